/* The record functions of the package, as _recorder_ctypes.py has them, at a tenth of the price: what is given goes into a struct of the C
 * interface without a detour. Plain values only (texts, numbers, truths, None); whatever else is in a call, and what the library does not
 * record, is handed to the Python of the subclass, `_slow` and `_answer`, so that both behave alike.
 *
 * The limited API of Python 3.10: one file for that version and all later ones. The interpreter's lock is held from the first to the last,
 * so one struct of each kind is enough for all threads; `busy` is for what Python runs in between all the same, which is finalizers when an
 * exception is made. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <arbiter/producer.h>
#include <stdint.h>
#include <string.h>

typedef enum FieldType {
  FIELD_STRING,
  FIELD_JSON,
  FIELD_NUMBER,
  FIELD_COUNT,
  FIELD_TIME,
  FIELD_FLAG,
  FIELD_STRINGS, /* and from here on: not here, but in _slow */
  FIELD_ALTERNATIVES,
  FIELD_VIOLATIONS,
  FIELD_SCORES
} FieldType;

typedef struct Field {
  const char* name; /* the keyword */
  uint16_t offset;
  uint8_t type;
} Field;

#include "_native_fields.h"

enum { kFieldsMax = 32, kPlans = 16, kEventBytesMax = 512, kValueBytes = 16 };

/* Which fields the keywords of a call are. Call sites have their names in a tuple that lives as long as their code, so a plan is found
 * again by its address. */
typedef struct Plan {
  PyObject* names; /* held, so that no other tuple comes to lie there */
  int count;       /* -1: not a call for this file */
  uint8_t field[kFieldsMax];
} Plan;

typedef union Event {
  size_t struct_size;
  char bytes[kEventBytesMax];
  uint64_t aligned;
} Event;

typedef struct Kind {
  const Field* fields;
  int field_count;
  int makes_id;
  int own_id;                  /* the field that has it */
  PyObject* names[kFieldsMax]; /* of the fields, interned */
  Plan plans[kPlans];
  int busy;
  size_t event_bytes;
  Event event; /* its size, and behind it zeros, whenever no call is under way */
} Kind;

#define FITS(number, name, keywords)                               \
  _Static_assert(sizeof(arbiter_##name) <= kEventBytesMax, #name); \
  _Static_assert(sizeof name##_fields / sizeof *name##_fields <= kFieldsMax, #name);
FOR_EACH_KIND(FITS)
#undef FITS

#define KIND(number, name, keywords) \
  {.fields = name##_fields, .field_count = sizeof name##_fields / sizeof *name##_fields, .event_bytes = sizeof(arbiter_##name)},
static Kind kinds[] = {FOR_EACH_KIND(KIND)};
#undef KIND
enum { kKinds = sizeof kinds / sizeof *kinds };

static arbiter_status (*library_record)(arbiter_producer*, arbiter_kind, const void*, arbiter_id*); /* arbiter_record */

typedef struct Recorder {
  PyObject_HEAD arbiter_producer* handle; /* NULL: there is no library */
  int patient;                            /* a call may wait for room, and does so without the interpreter's lock */
} Recorder;

static PyObject *recorded, *disabled, *unavailable; /* results that say nothing else */
static PyObject *result_class, *status_recorded;
static PyObject *slow_name, *answer_name;

/* --- What is given, into the struct. Nothing of the caller's own runs: types are exact, or such as are read without asking them. */

static int put_string(char* at, PyObject* value) {
  Py_ssize_t size;
  const char* data;
  arbiter_string string;
  if (Py_TYPE(value) != &PyUnicode_Type && !PyUnicode_Check(value)) return 0;
  data = PyUnicode_AsUTF8AndSize(value, &size);
  if (data == NULL) {
    PyErr_Clear();
    return 0;
  }
  string.data = data;
  string.size = (size_t)size;
  memcpy(at, &string, sizeof string);
  return 1;
}

static int put_number(char* at, PyObject* value) {
  arbiter_number number;
  if (Py_TYPE(value) == &PyFloat_Type || PyFloat_Check(value)) {
    number.value = PyFloat_AsDouble(value);
  } else if (Py_TYPE(value) == &PyLong_Type) {
    number.value = PyLong_AsDouble(value);
    if (number.value == -1 && PyErr_Occurred()) {
      PyErr_Clear();
      return 0;
    }
  } else {
    return 0;
  }
  memcpy(at, &number.value, sizeof number.value);
  at[offsetof(arbiter_number, given)] = 1;
  return 1;
}

static int put_int(char* at, PyObject* value) {
  int64_t count;
  if (Py_TYPE(value) != &PyLong_Type) return 0;
  count = PyLong_AsLongLong(value);
  if (count == -1 && PyErr_Occurred()) {
    PyErr_Clear();
    return 0;
  }
  memcpy(at, &count, sizeof count);
  at[offsetof(arbiter_count, given)] = 1;
  return 1;
}

static int put_flag(char* at, PyObject* value) {
  if (value != Py_True && value != Py_False) return 0;
  at[offsetof(arbiter_flag, value)] = value == Py_True;
  at[offsetof(arbiter_flag, given)] = 1;
  return 1;
}

static int put(const Field* field, char* event, PyObject* value) {
  char* const at = event + field->offset;
  if (value == Py_None) return 1;
  switch ((FieldType)field->type) {
    case FIELD_STRING:
    case FIELD_JSON: return put_string(at, value);
    case FIELD_NUMBER: return put_number(at, value);
    case FIELD_COUNT:
    case FIELD_TIME: return put_int(at, value);
    case FIELD_FLAG: return put_flag(at, value);
    default: return 0;
  }
}

/* --- Plans */

static int field_named(const Kind* kind, PyObject* name) {
  int i;
  for (i = 0; i < kind->field_count; ++i)
    if (kind->names[i] == name) return i;
  for (i = 0; i < kind->field_count; ++i)
    if (PyUnicode_CompareWithASCIIString(name, kind->fields[i].name) == 0) return i;
  return -1;
}

static void make_plan(const Kind* kind, Plan* plan, PyObject* names) {
  const Py_ssize_t count = PyTuple_Size(names);
  PyObject* const before = plan->names;
  Py_ssize_t i;
  Py_INCREF(names);
  plan->names = names;
  plan->count = count <= kFieldsMax ? (int)count : -1;
  for (i = 0; i < plan->count; ++i) {
    const int field = field_named(kind, PyTuple_GetItem(names, i));
    if (field < 0 || kind->fields[field].type >= FIELD_STRINGS) {
      plan->count = -1;
      break;
    }
    plan->field[i] = (uint8_t)field;
  }
  Py_XDECREF(before); /* of strings: nothing of anybody's runs */
}

static const Plan* plan_of(Kind* kind, PyObject* names) {
  Plan* const plan = &kind->plans[((uintptr_t)names >> 4) % kPlans];
  if (plan->names != names) make_plan(kind, plan, names);
  return plan;
}

/* --- Calls */

static PyObject* same(PyObject* result) {
  Py_INCREF(result);
  return result;
}

static PyObject* slow(PyObject* self, const Kind* kind, PyObject* const* args, Py_ssize_t nargs, PyObject* names) {
  const Py_ssize_t count = names == NULL ? 0 : PyTuple_Size(names);
  PyObject *given = PyTuple_New(nargs), *fields = PyDict_New(), *number = PyLong_FromLong((long)(kind - kinds) + 1), *result = NULL;
  Py_ssize_t i;
  int good = given != NULL && fields != NULL && number != NULL;
  for (i = 0; good && i < nargs; ++i) good = PyTuple_SetItem(given, i, same(args[i])) == 0;
  for (i = 0; good && i < count; ++i) good = PyDict_SetItem(fields, PyTuple_GetItem(names, i), args[nargs + i]) == 0;
  if (good) result = PyObject_CallMethodObjArgs(self, slow_name, number, given, fields, NULL);
  Py_XDECREF(given);
  Py_XDECREF(fields);
  Py_XDECREF(number);
  return result;
}

/* Anything but a plain "recorded". `id`: stolen; NULL: there is none, or it could not be made. */
static PyObject* answer(PyObject* self, arbiter_status status, PyObject* id) {
  PyObject *number, *result = NULL;
  if (status == ARBITER_DISABLED) {
    Py_XDECREF(id);
    return same(disabled);
  }
  if (id == NULL) {
    PyErr_Clear();
    id = PyUnicode_FromStringAndSize(NULL, 0);
  }
  if (status == ARBITER_RECORDED) {
    if (id != NULL) result = PyObject_CallFunctionObjArgs(result_class, status_recorded, id, NULL);
  } else {
    number = PyLong_FromLong(status);
    if (number != NULL && id != NULL) result = PyObject_CallMethodObjArgs(self, answer_name, number, id, NULL);
    Py_XDECREF(number);
  }
  Py_XDECREF(id);
  return result;
}

/* How many of the values were put there; less than there are: the next one is not for this file. */
static int put_all(const Kind* kind, const Plan* plan, char* event, PyObject* const* values) {
  int i;
  for (i = 0; i < plan->count; ++i)
    if (!put(&kind->fields[plan->field[i]], event, values[i])) break;
  return i;
}

static void clear(const Kind* kind, const Plan* plan, char* event, int count) {
  int i;
  for (i = 0; i < count; ++i) memset(event + kind->fields[plan->field[i]].offset, 0, kValueBytes);
}

static PyObject* record(PyObject* self, Kind* kind, PyObject* const* args, Py_ssize_t nargs, PyObject* names) {
  const Recorder* const recorder = (const Recorder*)self;
  arbiter_producer* const handle = recorder->handle;
  const arbiter_kind number = (arbiter_kind)(kind - kinds + 1);
  const Plan* plan;
  arbiter_id made_id;
  arbiter_status status;
  PyObject* own_id = NULL;
  int count, i;

  if (handle == NULL) return same(unavailable);
  if (nargs != 0 || names == NULL || kind->busy) return slow(self, kind, args, nargs, names);
  plan = plan_of(kind, names);
  if (plan->count < 0) return slow(self, kind, args, nargs, names);

  kind->busy = 1;
  count = put_all(kind, plan, kind->event.bytes, args);
  if (count < plan->count) {
    clear(kind, plan, kind->event.bytes, count);
    kind->busy = 0;
    return slow(self, kind, args, nargs, names);
  }
  for (i = 0; kind->makes_id && i < count; ++i)
    if (plan->field[i] == kind->own_id && args[i] != Py_None) own_id = args[i];
  if (recorder->patient) { /* other threads go on meanwhile, with the struct too */
    Event event = kind->event;
    clear(kind, plan, kind->event.bytes, count);
    kind->busy = 0;
    Py_BEGIN_ALLOW_THREADS status = library_record(handle, number, &event, &made_id);
    Py_END_ALLOW_THREADS
  } else {
    status = library_record(handle, number, &kind->event, &made_id);
    clear(kind, plan, kind->event.bytes, count);
    kind->busy = 0;
  }

  if (status == ARBITER_RECORDED && !kind->makes_id) return same(recorded);
  if (made_id.size == 0 && own_id != NULL) return answer(self, status, same(own_id));
  return answer(self, status, PyUnicode_FromStringAndSize(made_id.text, (Py_ssize_t)made_id.size));
}

#define RECORD(number, name, keywords)                                                                       \
  static PyObject* record_##name(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* names) { \
    return record(self, &kinds[(number)-1], args, nargs, names);                                             \
  }
FOR_EACH_KIND(RECORD)
#undef RECORD

/* Of the library that the package has found: its handle of a producer, and the address of arbiter_record. */
static PyObject* bind(PyObject* self, PyObject* args) {
  Recorder* const recorder = (Recorder*)self;
  PyObject *handle, *address;
  int patient;
  if (!PyArg_ParseTuple(args, "OOp", &handle, &address, &patient)) return NULL;
  if (handle != Py_None) {
    void *its_handle = PyLong_AsVoidPtr(handle), *its_address = PyLong_AsVoidPtr(address);
    if (PyErr_Occurred()) return NULL;
    memcpy(&library_record, &its_address, sizeof library_record);
    recorder->handle = its_handle;
  }
  recorder->patient = patient;
  return same(Py_None);
}

#define METHOD(number, name, keywords) \
  {"record_" #name, (PyCFunction)(void (*)(void))record_##name, METH_FASTCALL | METH_KEYWORDS, keywords},
static PyMethodDef methods[] = {FOR_EACH_KIND(METHOD){"_bind", bind, METH_VARARGS, NULL}, {NULL, NULL, 0, NULL}};
#undef METHOD

static PyType_Slot slots[] = {
    {Py_tp_methods, methods}, {Py_tp_doc, "What a producer of Python has of its own, and the record functions."}, {0, NULL}};
static PyType_Spec spec = {"arbiter._native.Recorder", sizeof(Recorder), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "arbiter._native", "The accelerator of the package.", -1, NULL, NULL, NULL, NULL, NULL};

/* --- Import */

static int intern_names(void) {
  int i, field;
  for (i = 0; i < kKinds; ++i) {
    Kind* const kind = &kinds[i];
    const char* const own_id = i + 1 == ARBITER_ROUTING_DECISION ? "decision_id" : i + 1 == ARBITER_TASK_START ? "execution_id" : "";
    kind->event.struct_size = kind->event_bytes;
    kind->makes_id = *own_id != '\0';
    kind->own_id = -1;
    for (field = 0; field < kind->field_count; ++field) {
      kind->names[field] = PyUnicode_InternFromString(kind->fields[field].name);
      if (kind->names[field] == NULL) return 0;
      if (strcmp(kind->fields[field].name, own_id) == 0) kind->own_id = field;
    }
  }
  slow_name = PyUnicode_InternFromString("_slow");
  answer_name = PyUnicode_InternFromString("_answer");
  return slow_name != NULL && answer_name != NULL;
}

static int get_results(void) {
  PyObject *module = PyImport_ImportModule("arbiter._result"), *status;
  if (module == NULL) return 0;
  recorded = PyObject_GetAttrString(module, "RECORDED");
  disabled = PyObject_GetAttrString(module, "DISABLED");
  unavailable = PyObject_GetAttrString(module, "UNAVAILABLE");
  result_class = PyObject_GetAttrString(module, "Result");
  status = PyObject_GetAttrString(module, "Status");
  status_recorded = status == NULL ? NULL : PyObject_GetAttrString(status, "RECORDED");
  Py_XDECREF(status);
  Py_DECREF(module);
  return recorded != NULL && disabled != NULL && unavailable != NULL && result_class != NULL && status_recorded != NULL;
}

PyMODINIT_FUNC PyInit__native(void) {
  PyObject *module, *type;
  /* What is kept here is the main interpreter's; others have classes of their own, and use ctypes. */
  if (PyInterpreterState_GetID(PyInterpreterState_Get()) != 0) {
    PyErr_SetString(PyExc_ImportError, "arbiter._native is for the main interpreter");
    return NULL;
  }
  if (!intern_names() || !get_results()) return NULL;
  module = PyModule_Create(&definition);
  if (module == NULL) return NULL;
  type = PyType_FromSpec(&spec);
  if (type == NULL || PyModule_AddObject(module, "Recorder", type) != 0) {
    Py_XDECREF(type);
    Py_DECREF(module);
    return NULL;
  }
  return module;
}
