"""What stands around the pages: headers, the cookie, limits on uploads, ends of sessions and the process."""

from pathlib import Path

from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from zoo.app.server.headers import SecurityHeaders
from zoo.app.server.hosts import OwnOrigin, allowed_hosts
from zoo.app.server.messages import BrowserMessages
from zoo.app.server.project_cookie import ProjectCookie
from zoo.app.server.routes import InternalRoutes
from zoo.app.server.sessions import SessionEnds
from zoo.app.server.stopping import lifespan
from zoo.app.server.upload_limits import UploadLimits

__all__ = ["SCRIPT", "lifespan", "middleware"]
SCRIPT = Path(__file__).parent.parent / "pages" / "navigation.py"


def middleware() -> list[Middleware]:
    """Return the layers around Streamlit, the outermost first."""
    return [
        Middleware(SecurityHeaders),
        Middleware(TrustedHostMiddleware, allowed_hosts=allowed_hosts(), www_redirect=False),
        Middleware(OwnOrigin),
        Middleware(InternalRoutes),
        Middleware(ProjectCookie),
        Middleware(UploadLimits),
        Middleware(SessionEnds),
        Middleware(BrowserMessages),
    ]
