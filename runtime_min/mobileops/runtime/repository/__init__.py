"""A plugin repository, as a device reads it: a static folder of TUF metadata, documents and blobs, here or on the web.

`layout` says what lies where, `document` what is said about a plugin, `configured` which repositories this host uses,
`client` reads one of them, `sources` all together: the only one that whoever installs has to know. Whatever comes from
a repository is verified with The Update Framework before anything looks at it, and every read has a bound.

A repository can lie about nothing that a bundle says of itself: what is fetched still has to pass
`mobileops.runtime.trust.verify`.
"""
