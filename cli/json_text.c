/* json_text: JSON from a file that somebody handed over (see json_text.h). */
#include "cli/json_text.h"

#include <stdbool.h>
#include <stdlib.h>

#include "node/file.h"

/* jansson tells a parse that ran out of memory from a bad text only now and then, and 2.14 may even
   go on with a character missing from a string or number. */
static _Thread_local bool ran_out;

static void *take_memory(size_t size)
{
    void *memory = malloc(size);
    ran_out = ran_out || memory == NULL;
    return memory;
}

/* How deep objects and lists stand in each other, whatever else is wrong with the text. */
static size_t depth_of(const char *text, size_t length)
{
    size_t depth = 0, deepest = 0;
    bool in_string = false;
    for (size_t i = 0; i < length; i++) {
        const char character = text[i];
        if (in_string && character == '\\') {
            i++;
        } else if (character == '"') {
            in_string = !in_string;
        } else if (!in_string && (character == '{' || character == '[')) {
            depth++;
            deepest = depth > deepest ? depth : deepest;
        } else if (!in_string && (character == '}' || character == ']') && depth > 0) {
            depth--;
        }
    }
    return deepest;
}

enum status json_text_read(const char *text, size_t length, const char *source, json_t **ret_root,
                           char *ret_error, size_t capacity)
{
    json_error_t error;
    if (depth_of(text, length) > JSON_TEXT_DEPTH_MAX) {
        return error_set(STATUS_MALFORMED, ret_error, capacity,
                         "%.300s: lists or objects stand deeper than %d in each other", source,
                         JSON_TEXT_DEPTH_MAX);
    }
    ran_out = false;
    json_set_alloc_funcs(take_memory, free);
    json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (ran_out) {
        json_decref(root);
        return error_set(STATUS_NO_MEMORY, ret_error, capacity, "%.300s: no memory to read it",
                         source);
    }
    if (root == NULL) {
        return error_set(STATUS_MALFORMED, ret_error, capacity, "%.300s:%d:%d: not JSON: %s",
                         source, error.line, error.column, error.text);
    }
    *ret_root = root;
    return STATUS_OK;
}
