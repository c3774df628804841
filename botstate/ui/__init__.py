"""Messages as Python functions of their props: nodes, components, bound handlers. No I/O."""

from botstate.ui.components import Component, Element
from botstate.ui.controls import Button, Input, Option, Select
from botstate.ui.handlers import BoundHandler, bind
from botstate.ui.layout import Actions, Context, Divider, Field, Fields, Header, Image, Markdown, Message, Section, raw
from botstate.ui.modals import Modal, ModalSelect, RadioButtons, TextInput
from botstate.ui.nodes import Node
from botstate.ui.render import render_to_ir
from botstate.ui.tables import Cell, Chart, Column, Row, Table

__all__ = [
    "Actions",
    "BoundHandler",
    "Button",
    "Cell",
    "Chart",
    "Column",
    "Component",
    "Context",
    "Divider",
    "Element",
    "Field",
    "Fields",
    "Header",
    "Image",
    "Input",
    "Markdown",
    "Message",
    "Modal",
    "ModalSelect",
    "Node",
    "Option",
    "RadioButtons",
    "Row",
    "Section",
    "Select",
    "Table",
    "TextInput",
    "bind",
    "raw",
    "render_to_ir",
]
