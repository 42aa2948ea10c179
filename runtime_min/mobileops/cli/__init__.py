"""The command line: parse, call one library function, print a value, return an exit code."""
