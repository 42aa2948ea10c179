"""From a policy to a process: the zygote, who asks it for plugins, and what the host must give them."""
