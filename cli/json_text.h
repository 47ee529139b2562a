/*
 * json_text: JSON from a file that somebody handed over: no deeper than any of our files is, no key
 * twice in an object, and a parse that ran out of memory is told from a bad text.
 */
#ifndef HEFU_CLI_JSON_TEXT_H
#define HEFU_CLI_JSON_TEXT_H

#include <jansson.h>
#include <stddef.h>

#include "base/status.h"

#define JSON_TEXT_DEPTH_MAX 16

/* The root, to be given to json_decref. MALFORMED with source, line and column, or NO_MEMORY. */
enum status json_text_read(const char *text, size_t length, const char *source, json_t **ret_root,
                           char *ret_error, size_t capacity) MUST_USE;

#endif
