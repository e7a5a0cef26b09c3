"""The truth about the targets of tests/memory/zoo.py, which the tests of single rules share."""

from leak_zoo.case import innocent, leak
from memory import zoo

leak(holder="kept_list")(zoo.list_of_objects)
leak("next_call", holder="kept_dict")(zoo.dict_by_call)
leak("remembered", holder="remembered")(zoo.unbounded_cache)
leak(holder="callbacks")(zoo.closure)
leak(holder="Registry.seen")(zoo.class_attribute)
leak(holder="kept_list")(zoo.small_under_swings)
leak(holder="errors")(zoo.exception_kept)
leak(holder="kept_list")(zoo.in_a_coroutine)
leak(holder="kept_list")(zoo.every_tenth_call)
leak(holder="kept_list")(zoo.in_a_library)
leak(holder="kept_list")(zoo.a_list_in_reused_memory)

innocent(zoo.bounded_cache)
innocent(zoo.full_deque)
innocent(zoo.lazy_import)
innocent(zoo.regex_cache)
innocent(zoo.grown_and_cleared)
innocent(zoo.cycles)
innocent(zoo.cycles_without_gc)
innocent(zoo.interned)
innocent(zoo.logging_set_up)
innocent(zoo.nothing)
innocent(zoo.large_and_gone)
