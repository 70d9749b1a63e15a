"""Running a study; ``study.py`` holds the way from question to answer."""

from normwise.study.pages import exported, page_of_folder
from normwise.study.progress import Progress
from normwise.study.result import Result
from normwise.study.study import Study

__all__ = ["Progress", "Result", "Study", "exported", "page_of_folder"]
