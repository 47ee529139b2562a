/*
 * overlay: rows in memory, by table and key: what a replay has written so far to the tables whose
 * rows change, to read back during the replay and to compare with a store at its end.
 */
#ifndef HEFU_CLI_OVERLAY_H
#define HEFU_CLI_OVERLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

struct overlay;

struct overlay *overlay_new(void);
void overlay_free(struct overlay *overlay);
/* Sets a row; the bytes are copied. */
void overlay_put(struct overlay *overlay, unsigned table, struct span key, struct span value);
/* Takes a row out; false if there is none. */
bool overlay_remove(struct overlay *overlay, unsigned table, struct span key);
/* The row, valid until the next put of the same key. */
bool overlay_get(const struct overlay *overlay, unsigned table, struct span key,
                 struct span *ret_value);

/* Keeps the rows of one table in order, so that they can be sought. Before its first row. */
void overlay_keep_order(struct overlay *overlay, unsigned table);
/* Its first row whose key is greater than this one (length 0: the first row). */
bool overlay_seek(const struct overlay *overlay, struct span key, struct span *ret_key,
                  struct span *ret_value);

/* Calls visit for each row, in no order, until it returns false; whether all were visited. */
typedef bool (*overlay_visit)(void *context, unsigned table, struct span key, struct span value);
bool overlay_each(const struct overlay *overlay, overlay_visit visit, void *context);

#endif
