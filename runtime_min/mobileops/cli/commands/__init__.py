"""One file per verb, each with `configure(parser)` and `run(arguments, console) -> exit code`."""
