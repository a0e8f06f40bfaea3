"""Sizes of modules and functions: crossing a limit means that a second idea has moved in."""
import ast
import statistics
from pathlib import Path

import slicer_package_manager_client

MODULES = sorted(Path(slicer_package_manager_client.__file__).parent.rglob('*.py'))


def test_modules_are_short():
    assert {path.name: len(path.read_text('utf-8').splitlines()) for path in MODULES
            if len(path.read_text('utf-8').splitlines()) > 300} == {}


def test_functions_are_short():
    sizes = {f'{path.name}:{node.name}': node.end_lineno - node.lineno + 1 for path in MODULES
             for node in ast.walk(ast.parse(path.read_text('utf-8')))
             if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}
    assert statistics.median(sizes.values()) <= 10
    assert {name: size for name, size in sizes.items() if size > 60} == {}
    assert sum(size > 35 for size in sizes.values()) <= len(sizes) // 50
