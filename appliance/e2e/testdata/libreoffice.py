"""Opens a text of LibreOffice over WebDAV, changes it, saves it, saves a copy, and reads both again.

Arguments: name of the pipe that soffice listens on, user, password, address of the document, the new text.
"""
import sys
import time

import uno
import unohelper
from com.sun.star.beans import PropertyValue
from com.sun.star.task import XInteractionHandler

pipe, user, password, url, text = sys.argv[1:6]


class SignIn(unohelper.Base, XInteractionHandler):
    """Answers the question for a password, as the dialogue would."""

    def handle(self, request):
        for answer in request.getContinuations():
            if hasattr(answer, "setPassword"):
                answer.setUserName(user)
                answer.setPassword(password)
                answer.select()
                return


def properties(**values):
    result = []
    for name, value in values.items():
        p = PropertyValue()
        p.Name, p.Value = name, value
        result.append(p)
    return tuple(result)


def connect():
    local = uno.getComponentContext()
    resolver = local.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", local)
    deadline = time.monotonic() + 60
    while True:
        try:
            return resolver.resolve("uno:pipe,name=%s;urp;StarOffice.ComponentContext" % pipe)
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


context = connect()
desktop = context.ServiceManager.createInstanceWithContext("com.sun.star.frame.Desktop", context)
sign_in = SignIn()


def load(address, **more):
    document = desktop.loadComponentFromURL(
        address, "_blank", 0, properties(Hidden=True, InteractionHandler=sign_in, AuthenticationHandler=sign_in, **more))
    assert document is not None, "cannot open " + address
    return document


document = load(url)
print("opened", "read-only" if document.isReadonly() else "to write", document.getText().getString(), flush=True)
document.getText().setString(text)
document.store()
print("saved", flush=True)
document.storeToURL(url.replace(".odt", " copy.odt").replace(" ", "%20"),
                    properties(FilterName="writer8", InteractionHandler=sign_in, AuthenticationHandler=sign_in))
print("saved a copy", flush=True)
document.close(True)

document = load(url, ReadOnly=True)
print("read", document.getText().getString(), flush=True)
document.close(True)
try:
    desktop.terminate()
except Exception:
    pass  # it goes away while it answers
