"""What a study says on its way is said once, however many networks it is said of."""

from __future__ import annotations

import logging

from normwise.study.notes import heard


def test_what_each_build_would_say_again_is_logged_once(caplog):
    log = logging.getLogger("normwise")
    with heard() as whole, heard() as first:
        log.warning("Halves are as good.")
        log.warning("Halves are as good.")
    with heard(first):
        log.warning("Halves are as good.")
    assert [record.getMessage() for record in caplog.records] == ["Halves are as good."]
    assert whole == first == {"Halves are as good."}
