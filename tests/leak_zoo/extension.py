"""The compiled extension of native.py beside this, and how it is built."""

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

SOURCE = r"""
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdlib.h>
#include <string.h>

static char *volatile last;
static char *log_text;
static size_t log_size;
static char *slots[1000];
static size_t stored;

static PyObject *forget(PyObject *self, PyObject *size) {
    last = malloc(PyLong_AsSize_t(size));
    memset(last, 1, PyLong_AsSize_t(size));
    Py_RETURN_NONE;
}

static PyObject *use(PyObject *self, PyObject *size) {
    last = malloc(PyLong_AsSize_t(size));
    memset(last, 1, PyLong_AsSize_t(size));
    free(last);
    Py_RETURN_NONE;
}

/* The reference that PyLong_FromLong returned is never given back. */
static PyObject *keep_reference(PyObject *self, PyObject *number) {
    PyLong_FromLong(PyLong_AsLong(number) + 100000);
    Py_RETURN_NONE;
}

static PyObject *lengthen(PyObject *self, PyObject *size) {
    log_size += PyLong_AsSize_t(size);
    log_text = realloc(log_text, log_size);
    memset(log_text, 1, log_size);
    Py_RETURN_NONE;
}

static PyObject *store(PyObject *self, PyObject *size) {
    size_t slot = stored++ % 1000;
    free(slots[slot]);
    slots[slot] = malloc(PyLong_AsSize_t(size));
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"forget", forget, METH_O, NULL},
    {"use", use, METH_O, NULL},
    {"keep_reference", keep_reference, METH_O, NULL},
    {"lengthen", lengthen, METH_O, NULL},
    {"store", store, METH_O, NULL},
    {NULL, NULL, 0, NULL}};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "compiled", NULL, -1, methods};

PyMODINIT_FUNC PyInit_compiled(void) { return PyModule_Create(&module); }
"""

EXTENSION = "LEAK_ZOO_EXTENSION"
"""The environment variable that names the compiled file."""


def built(folder: Path) -> Path:
    """Compile the extension into ``folder`` and return its file.

    Raises:
        FileNotFoundError: There is no C compiler, or no header of this Python.
        subprocess.CalledProcessError: The compiler failed.
    """
    compiler = shutil.which("cc")
    headers = Path(sysconfig.get_path("include"))
    if compiler is None or not (headers / "Python.h").is_file():
        missing = "C compiler cc" if compiler is None else f"Python.h in {headers}"
        raise FileNotFoundError(f"no {missing}, so the cases of a compiled extension cannot run")
    source, library = folder / "compiled.c", folder / "compiled.so"
    source.write_text(SOURCE, "utf-8")
    undefined = ["-undefined", "dynamic_lookup"] if sys.platform == "darwin" else []
    command = [compiler, "-O1", "-shared", "-fPIC", f"-I{headers}", *undefined]
    subprocess.run([*command, source, "-o", library], check=True)
    return library
