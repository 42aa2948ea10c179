"""Tests of the quickstart's plugin."""

from mobileops.plugin.testing import PluginTestCase


class TestHelloMobileops(PluginTestCase):
    """The greeter's promises, without the sandbox."""

    def setUp(self):
        """Load the plugin."""
        self.plugin = self.load_plugin("hello-mobileops")

    def test_it_exports_its_methods(self):
        """The three methods are callable."""
        self.assertIn("greet", dir(self.plugin))
        self.assertIsNone(self.plugin.initialize())

    def test_an_unknown_file_is_refused(self):
        """A failure is a text, not an exception."""
        self.assertIn("refused", self.plugin.try_to_read("/no/such/file"))
