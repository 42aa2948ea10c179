"""What runs beside a plugin's code, inside its sandbox: no keys, no store, no trust."""
