"""Which calls of the standard library and of known packages need which permission.

The table holds what plugins really use and what cannot be mistaken for something else. A name that is not here is not
judged: it is the sandbox that protects the device, and the table only helps the author to be understood.
"""

from __future__ import annotations

from typing import Final, Literal

Kind = Literal["url", "address", "host", "outgoing", "listen", "process", "read", "file", "write"]

# Dotted name -> what it does, and which argument says with whom (of a file: which one it is).
CALLS: Final[dict[str, tuple[Kind, int]]] = {
    **{
        f"{client}.{verb}": ("url", 0)
        for client in ("requests", "httpx")
        for verb in ("get", "post", "put", "patch", "delete", "head", "options")
    },
    **dict.fromkeys(
        ("requests.request", "httpx.request", "httpx.stream", "aiohttp.request", "urllib3.request"), ("url", 1)
    ),
    **dict.fromkeys(("requests.Session", "requests.session", "httpx.Client", "httpx.AsyncClient"), ("outgoing", 0)),
    **dict.fromkeys(("aiohttp.ClientSession", "urllib3.PoolManager", "urllib3.ProxyManager"), ("outgoing", 0)),
    **dict.fromkeys(("urllib3.HTTPConnectionPool", "urllib3.HTTPSConnectionPool"), ("host", 0)),
    **{f"urllib.request.{name}": ("url", 0) for name in ("urlopen", "urlretrieve", "Request")},
    **dict.fromkeys(("websockets.connect", "websocket.create_connection", "xmlrpc.client.ServerProxy"), ("url", 0)),
    **dict.fromkeys(("http.client.HTTPConnection", "http.client.HTTPSConnection"), ("host", 0)),
    **dict.fromkeys(("smtplib.SMTP", "smtplib.SMTP_SSL", "ftplib.FTP", "ftplib.FTP_TLS"), ("outgoing", 0)),
    **dict.fromkeys(("imaplib.IMAP4", "imaplib.IMAP4_SSL", "poplib.POP3", "poplib.POP3_SSL"), ("outgoing", 0)),
    "socket.create_connection": ("address", 0),
    "asyncio.open_connection": ("outgoing", 0),
    **dict.fromkeys(("socket.getaddrinfo", "socket.gethostbyname"), ("outgoing", 0)),
    **dict.fromkeys(("socket.create_server", "asyncio.start_server"), ("listen", 0)),
    **{f"socketserver.{name}": ("listen", 0) for name in ("TCPServer", "ThreadingTCPServer", "UDPServer")},
    **dict.fromkeys(("http.server.HTTPServer", "http.server.ThreadingHTTPServer"), ("listen", 0)),
    **{
        f"subprocess.{name}": ("process", 0)
        for name in ("run", "Popen", "call", "check_call", "check_output", "getoutput", "getstatusoutput")
    },
    **{
        f"os.{name}": ("process", 0)
        for name in (
            *("system", "popen", "posix_spawn", "posix_spawnp", "execl", "execle", "execlp", "execlpe", "execv"),
            *("execve", "execvp", "execvpe", "spawnl", "spawnle", "spawnlp", "spawnlpe", "spawnv", "spawnve"),
            *("spawnvp", "spawnvpe"),
        )
    },
    **dict.fromkeys(("asyncio.create_subprocess_exec", "asyncio.create_subprocess_shell"), ("process", 0)),
    "pty.spawn": ("process", 0),
    **dict.fromkeys(("open", "io.open"), ("file", 0)),
    **dict.fromkeys(("os.listdir", "os.scandir", "os.walk", "os.stat", "os.open"), ("read", 0)),
    **dict.fromkeys(("os.mkdir", "os.makedirs", "os.remove", "os.unlink", "os.rmdir", "os.truncate"), ("write", 0)),
    **dict.fromkeys(("shutil.rmtree",), ("write", 0)),
    **dict.fromkeys(("shutil.copy", "shutil.copyfile", "shutil.copytree", "shutil.copy2"), ("read", 0)),
}

# Modules whose connections are not to a web server.
NOT_HTTP: Final = frozenset({"asyncio", "ftplib", "imaplib", "poplib", "smtplib", "socket"})

# Methods of pathlib.Path, whatever the receiver may be.
PATH_METHODS: Final[dict[str, Kind]] = {
    **dict.fromkeys(("read_text", "read_bytes", "iterdir", "glob", "rglob"), "read"),
    **dict.fromkeys(("write_text", "write_bytes", "mkdir", "unlink", "touch", "rmdir"), "write"),
    "open": "file",
}
PATHS: Final = frozenset({"pathlib.Path", "pathlib.PosixPath"})

# Methods of the plugin's base class whose first argument says with whom.
MESSAGE_METHODS: Final = {
    "send_message": "plugin.communicate",
    "subscribe": "events.subscribe",
    "publish": "events.publish",
}
PLATFORM_METHOD: Final = "get_platform_api"
MODEL_METHOD: Final = "load_model"  # asks the AI Core, unless the plugin overrides it
PLATFORM_PARTS: Final = frozenset({"ai", "assets", "devices", "network"})

ENVIRONMENT: Final = "os.environ"
ENVIRONMENT_GETTERS: Final = frozenset({"os.getenv", "os.environ.get"})
ENVIRONMENT_SETTERS: Final = frozenset({"os.environ.update", "os.environ.setdefault"})
IMPORTERS: Final = frozenset({"importlib.import_module", "__import__"})
SOCKET: Final = "socket.socket"
LOCAL_SOCKETS: Final = frozenset({"socket.AF_UNIX", "socket.AddressFamily.AF_UNIX"})

BUILTINS: Final = ("open", "__import__")
ROOTS: Final = frozenset({name.partition(".")[0] for name in CALLS} | {"importlib", "os", "pathlib", "socket"})

# The environment that the platform makes for every plugin (mobileops.runtime.launching.zygote; a test compares).
ALWAYS_SET: Final = frozenset({"HOME", "LANG", "LOGNAME", "MALLOC_ARENA_MAX", "PATH", "TMPDIR", "USER"})
# What the sandbox shows every plugin (mobileops.runtime.isolation.rootfs).
ALWAYS_READABLE: Final = ("/app", "/data", "/tmp", "/dev", "/proc", "/usr")  # noqa: S108 - inside the sandbox
ALWAYS_WRITABLE: Final = ("/data", "/tmp", "/dev")  # noqa: S108 - likewise
