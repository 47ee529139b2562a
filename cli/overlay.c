/* overlay: a chained hash table of rows (see overlay.h). */
#include "cli/overlay.h"

#include <sodium/randombytes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/shorthash.h"

#define FIRST_BUCKETS 4096u

struct row {
    struct row *next;
    uint64_t hash;
    uint8_t table;
    uint16_t key_length;
    uint32_t value_length;
    uint8_t *value; /* owned, beside the row: values change their size */
    uint8_t key[];
};

/* Rows of one table, ascending by key, from first on: they mostly come last and go first. */
struct ordered {
    struct row **rows;
    uint64_t first, end, capacity;
    unsigned table; /* 0: none is kept in order */
};

struct overlay {
    struct row **buckets;
    uint64_t bucket_count; /* a power of two */
    uint64_t count;
    uint8_t hash_key[SHORTHASH_KEY_BYTES];
    struct ordered ordered;
};

struct overlay *overlay_new(void)
{
    struct overlay *overlay = calloc(1, sizeof *overlay);
    CHECK(overlay != NULL);
    randombytes_buf(overlay->hash_key, sizeof overlay->hash_key);
    overlay->bucket_count = FIRST_BUCKETS;
    overlay->buckets = calloc(overlay->bucket_count, sizeof(struct row *));
    CHECK(overlay->buckets != NULL);
    return overlay;
}

void overlay_free(struct overlay *overlay)
{
    if (overlay == NULL) {
        return;
    }
    for (uint64_t i = 0; i < overlay->bucket_count; i++) {
        struct row *row = overlay->buckets[i];
        while (row != NULL) {
            struct row *next = row->next;
            free(row->value);
            free(row);
            row = next;
        }
    }
    free(overlay->buckets);
    free(overlay->ordered.rows);
    free(overlay);
}

/* Participants choose the ids that are keys here: under a random key they cannot make rows collide.
 */
static uint64_t hash_key(const struct overlay *overlay, unsigned table, struct span key)
{
    return shorthash(overlay->hash_key, key.data, key.length) ^ table * 0x9e3779b97f4a7c15ull;
}

static struct row *find(const struct overlay *overlay, unsigned table, struct span key,
                        uint64_t hash)
{
    struct row *row = overlay->buckets[hash & (overlay->bucket_count - 1)];
    while (row != NULL &&
           !(row->hash == hash && row->table == table && row->key_length == key.length &&
             memcmp(row->key, key.data, key.length) == 0)) {
        row = row->next;
    }
    return row;
}

static void grow(struct overlay *overlay)
{
    uint64_t count = overlay->bucket_count * 2;
    struct row **buckets = calloc(count, sizeof(struct row *));
    CHECK(buckets != NULL);
    for (uint64_t i = 0; i < overlay->bucket_count; i++) {
        struct row *row = overlay->buckets[i];
        while (row != NULL) {
            struct row *next = row->next;
            row->next = buckets[row->hash & (count - 1)];
            buckets[row->hash & (count - 1)] = row;
            row = next;
        }
    }
    free(overlay->buckets);
    overlay->buckets = buckets;
    overlay->bucket_count = count;
}

static int compare(const struct row *row, struct span key)
{
    size_t least = row->key_length < key.length ? row->key_length : key.length;
    int order = memcmp(row->key, key.data, least);
    return order != 0 ? order : (row->key_length > key.length) - (row->key_length < key.length);
}

/* The first place whose key is not below this one. */
static uint64_t place_of(const struct ordered *ordered, struct span key)
{
    uint64_t low = ordered->first;
    uint64_t high = ordered->end;
    if (high > low && compare(ordered->rows[high - 1], key) < 0) {
        return high;
    }
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (compare(ordered->rows[middle], key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void order_row(struct ordered *ordered, struct row *row)
{
    if (ordered->end == ordered->capacity) {
        uint64_t used = ordered->end - ordered->first;
        ordered->capacity = used < 1024 ? 2048 : 2 * used;
        struct row **rows = malloc(ordered->capacity * sizeof *rows);
        CHECK(rows != NULL);
        if (used > 0) {
            memcpy(rows, ordered->rows + ordered->first, used * sizeof *rows);
        }
        free(ordered->rows);
        ordered->rows = rows;
        ordered->first = 0;
        ordered->end = used;
    }
    uint64_t place = place_of(ordered, (struct span){row->key, row->key_length});
    memmove(&ordered->rows[place + 1], &ordered->rows[place],
            (ordered->end - place) * sizeof(struct row *));
    ordered->rows[place] = row;
    ordered->end++;
}

static void unorder_row(struct ordered *ordered, const struct row *row)
{
    uint64_t place = place_of(ordered, (struct span){row->key, row->key_length});
    CHECK(place < ordered->end && ordered->rows[place] == row);
    if (place == ordered->first) {
        ordered->first++;
        return;
    }
    ordered->end--;
    memmove(&ordered->rows[place], &ordered->rows[place + 1],
            (ordered->end - place) * sizeof(struct row *));
}

void overlay_keep_order(struct overlay *overlay, unsigned table)
{
    overlay->ordered.table = table;
}

bool overlay_seek(const struct overlay *overlay, struct span key, struct span *ret_key,
                  struct span *ret_value)
{
    const struct ordered *ordered = &overlay->ordered;
    uint64_t place = key.length == 0 ? ordered->first : place_of(ordered, key);
    if (key.length > 0 && place < ordered->end && compare(ordered->rows[place], key) == 0) {
        place++;
    }
    if (place == ordered->end) {
        return false;
    }
    const struct row *row = ordered->rows[place];
    *ret_key = (struct span){row->key, row->key_length};
    *ret_value = (struct span){row->value, row->value_length};
    return true;
}

bool overlay_remove(struct overlay *overlay, unsigned table, struct span key)
{
    uint64_t hash = hash_key(overlay, table, key);
    struct row *row = find(overlay, table, key, hash);
    if (row == NULL) {
        return false;
    }
    struct row **at = &overlay->buckets[hash & (overlay->bucket_count - 1)];
    while (*at != row) {
        at = &(*at)->next;
    }
    *at = row->next;
    overlay->count--;
    if (table == overlay->ordered.table) {
        unorder_row(&overlay->ordered, row);
    }
    free(row->value);
    free(row);
    return true;
}

void overlay_put(struct overlay *overlay, unsigned table, struct span key, struct span value)
{
    CHECK(table <= UINT8_MAX && key.length <= UINT16_MAX && value.length <= UINT32_MAX);
    uint64_t hash = hash_key(overlay, table, key);
    struct row *row = find(overlay, table, key, hash);
    if (row == NULL) {
        if (overlay->count >= overlay->bucket_count) {
            grow(overlay);
        }
        row = calloc(1, sizeof *row + key.length);
        CHECK(row != NULL);
        row->hash = hash;
        row->table = (uint8_t)table;
        row->key_length = (uint16_t)key.length;
        memcpy(row->key, key.data, key.length);
        row->next = overlay->buckets[hash & (overlay->bucket_count - 1)];
        overlay->buckets[hash & (overlay->bucket_count - 1)] = row;
        overlay->count++;
        if (table == overlay->ordered.table) {
            order_row(&overlay->ordered, row);
        }
    }
    if (row->value == NULL || row->value_length != value.length) {
        free(row->value);
        row->value = malloc(value.length > 0 ? value.length : 1);
        CHECK(row->value != NULL);
    }
    row->value_length = (uint32_t)value.length;
    memcpy(row->value, value.data, value.length);
}

bool overlay_get(const struct overlay *overlay, unsigned table, struct span key,
                 struct span *ret_value)
{
    const struct row *row = find(overlay, table, key, hash_key(overlay, table, key));
    if (row != NULL) {
        *ret_value = (struct span){row->value, row->value_length};
    }
    return row != NULL;
}

bool overlay_each(const struct overlay *overlay, overlay_visit visit, void *context)
{
    for (uint64_t i = 0; i < overlay->bucket_count; i++) {
        for (const struct row *row = overlay->buckets[i]; row != NULL; row = row->next) {
            if (!visit(context, row->table, (struct span){row->key, row->key_length},
                       (struct span){row->value, row->value_length})) {
                return false;
            }
        }
    }
    return true;
}
