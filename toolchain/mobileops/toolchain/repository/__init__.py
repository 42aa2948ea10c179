"""Write a plugin repository: a static folder that any web server can serve (`mobileops.runtime.repository.layout`).

`state` reads what the folder's timestamp commits to and believes nothing that is not signed; `change` is one commit;
`creation`, `publishing`, `editing`, `renewal` and `rotation` are the acts. Each holds the folder's lock from reading to
commit, so that publishers wait for each other, and a crash at any moment leaves the old state or the new one.
"""
