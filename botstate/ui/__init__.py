"""Messages as Python functions of their props: nodes, components, bound handlers. No I/O."""

from botstate.ui.components import Component, Element
from botstate.ui.handlers import BoundHandler, bind
from botstate.ui.nodes import Actions, Button, Header, Message, Node, Section
from botstate.ui.render import render_to_ir

__all__ = [
    "Actions",
    "BoundHandler",
    "Button",
    "Component",
    "Element",
    "Header",
    "Message",
    "Node",
    "Section",
    "bind",
    "render_to_ir",
]
