"""What Spark's JVM is told where a container lacks it."""

from __future__ import annotations

import os
from pathlib import Path

from analyzer.engine.java_surroundings import java_variables

NOBODY = 1_000_650_000
"""A user that no /etc/passwd knows."""


def test_on_one_machine_the_own_name_need_not_lead_anywhere(tmp_path):
    assert java_variables(tmp_path, is_local=True) == {"SPARK_LOCAL_IP": "127.0.0.1"}


def test_on_a_cluster_a_user_with_a_name_is_told_nothing(tmp_path):
    assert java_variables(tmp_path, is_local=False) == {}
    assert list(tmp_path.iterdir()) == []


def test_a_user_without_a_name_gets_one_where_the_library_is_installed(tmp_path, monkeypatch):
    """That Hadoop takes it is seen in tests/container."""
    monkeypatch.setattr(os, "getuid", lambda: NOBODY)
    monkeypatch.setattr("ctypes.util.find_library", lambda name: f"lib{name}.so.0")
    variables = java_variables(tmp_path, is_local=False)
    assert variables["LD_PRELOAD"] == "libnss_wrapper.so.0"
    assert Path(variables["NSS_WRAPPER_PASSWD"]).read_text().startswith(f"analyzer:x:{NOBODY}:")
    assert Path(variables["NSS_WRAPPER_GROUP"]).read_text().startswith("analyzer:x:")


def test_a_host_whose_name_leads_nowhere_is_told_where_it_leads(tmp_path, monkeypatch):
    """That Java takes it is seen in tests/container."""
    monkeypatch.setattr("socket.gethostname", lambda: "nowhere.invalid")
    monkeypatch.setattr("ctypes.util.find_library", lambda name: f"lib{name}.so.0")
    variables = java_variables(tmp_path, is_local=True)
    assert variables["LD_PRELOAD"] == "libnss_wrapper.so.0"
    assert Path(variables["NSS_WRAPPER_HOSTS"]).read_text() == "127.0.0.1 localhost nowhere.invalid\n"
    assert "NSS_WRAPPER_PASSWD" not in variables
    assert java_variables(tmp_path, is_local=False) == {}


def test_without_the_library_there_is_nothing_to_tell(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: NOBODY)
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    assert java_variables(tmp_path, is_local=False) == {}
