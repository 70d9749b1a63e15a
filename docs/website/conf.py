"""How Sphinx builds what `build.py` put together: no network, neither here nor for readers."""

import pkgutil
from importlib import import_module, metadata
from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer
from sphinx.util import inspect
from sphinx.writers.html5 import HTML5Translator

project = "normwise"
release = metadata.version("normwise")
html_title = "normwise"

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
# Headings, formulas and addresses as code hosts have them; `{.only-dark}` marks a picture.
myst_heading_anchors = 6
myst_enable_extensions = ["attrs_inline", "dollarmath", "linkify"]
myst_linkify_fuzzy_links = False
# Tests execute notebooks; here they are shown as they are, and without scripts from elsewhere.
nb_execution_mode = "off"
nb_ipywidgets_js = {}
# Two hyphens are an option, not a dash.
smartquotes = False
default_role = "literal"

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80
toc_object_entries_show_parents = "hide"
add_module_names = False
napoleon_use_ivar = True
napoleon_use_rtype = False

html_theme = "furo"
pygments_dark_style = "monokai"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_copyright = False
html_math_renderer = "mathml"


def setup(app: Sphinx) -> None:
    """Draw formulas by what browsers bring along, not by a script from elsewhere."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    app.connect("builder-inited", _constants)
    app.connect("autodoc-process-signature", _arguments_of_layers)
    app.connect("doctree-read", _in_our_words)


def _inline(page: HTML5Translator, formula: nodes.math) -> None:
    page.body.append(tex2mathml(formula.astext()))
    raise nodes.SkipNode


def _block(page: HTML5Translator, formula: nodes.math_block) -> None:
    page.body.append(tex2mathml(formula.astext(), as_block=True))
    raise nodes.SkipNode


def _in_our_words(_: Sphinx, page: nodes.document) -> None:
    """Change what Sphinx writes between a parameter and what it is, and above attributes."""
    ours = {" -- ": " – ", "Variables": "Attributes"}
    for text in list(page.findall(nodes.Text)):
        if text in ours:
            text.parent.replace(text, nodes.Text(ours[text]))


def _constants(_: Sphinx) -> None:
    """Let what is said of a constant be found where it is public, not only where it is made."""
    for package in ("normwise.analysis", "normwise.layers"):
        public = _said_of_constants(package)
        for module in pkgutil.iter_modules(import_module(package).__path__):
            for key, said in _said_of_constants(f"{package}.{module.name}").items():
                public.setdefault(key, said)


def _said_of_constants(module: str) -> dict[tuple[str, str], list[str]]:
    analyzer = ModuleAnalyzer.for_module(module)
    analyzer.analyze()
    return analyzer.attr_docs


def _arguments_of_layers(
    _: Sphinx, what: str, _name: str, thing: Any, _options: object, text: str, returned: str
) -> tuple[str, str] | None:
    """Say what a layer takes, which the `__new__` of Keras' layers hides."""
    if what != "class" or text != "(*args, **kwargs)":
        return None
    signature = inspect.signature(thing.__init__, bound_method=True)
    return inspect.stringify_signature(signature, show_return_annotation=False), returned
