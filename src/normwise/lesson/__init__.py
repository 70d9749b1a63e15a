"""A page that teaches batch normalisation: it plays back runs that were trained and recorded.

Read in this order: ``grid`` (which runs), ``deep`` and ``circles`` (what is recorded of them),
``recording`` (all of it, and the one that is shipped), ``tries`` (runs to begin with), ``page``
(the file; ``lesson.html``, ``lesson.css`` and ``js/`` are what it is made of).
"""

from normwise.lesson.page import write_lesson
from normwise.lesson.recording import Recording, record, shipped, write_recording

__all__ = ["Recording", "record", "shipped", "write_lesson", "write_recording"]
