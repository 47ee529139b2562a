/* genesis_write: writing genesis.json by the table that reading follows (see genesis_file.h). */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "node/file.h"
#include "node/genesis_fields.h"
#include "node/genesis_file.h"
#include "node/memory.h"

/* Other programs' JSON numbers are exact up to here. */
#define EXACT_MAX ((1ull << 53) - 1)
#define HEX_BYTES_MAX 64

static json_t *object_of(const struct genesis *genesis, const struct field_schema *schema,
                         const void *source);

static json_t *hex_of(const void *at, size_t size)
{
    char hex[2 * HEX_BYTES_MAX + 1];
    CHECK(size <= HEX_BYTES_MAX);
    bytes_to_hex(at, size, hex);
    return json_string(hex);
}

static json_t *unsigned_of(uint64_t value)
{
    char digits[24];
    if (value <= EXACT_MAX) {
        return json_integer((json_int_t)value);
    }
    (void)snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);
    return json_string(digits);
}

static json_t *choice_of(const struct field_name *names, uint64_t value)
{
    for (; names->name != NULL; names++) {
        if (names->value == value) {
            return json_string(names->name);
        }
    }
    return NULL;
}

static json_t *flags_of(const struct field_name *names, uint64_t value)
{
    json_t *array = json_array();
    for (; names->name != NULL; names++) {
        if ((value & names->value) != 0) {
            (void)json_array_append_new(array, json_string(names->name));
        }
    }
    return array;
}

static json_t *currency_of(const struct genesis *genesis, uint64_t numeric)
{
    for (uint32_t i = 0; i < genesis->currency_count; i++) {
        if (genesis->currencies[i].numeric == numeric) {
            return json_string(genesis->currencies[i].code);
        }
    }
    return NULL;
}

static json_t *times_of(const void *at, uint32_t count)
{
    json_t *array = json_array();
    for (uint32_t i = 0; i < count; i++) {
        char text[16];
        uint16_t minutes;
        memcpy(&minutes, (const uint8_t *)at + i * sizeof minutes, sizeof minutes);
        (void)snprintf(text, sizeof text, "%02d:%02d", minutes / 60, minutes % 60);
        (void)json_array_append_new(array, json_string(text));
    }
    return array;
}

static json_t *time_of(uint64_t minutes)
{
    char text[16];
    (void)snprintf(text, sizeof text, "%02d:%02d", (int)minutes / 60, (int)minutes % 60);
    return json_string(text);
}

static json_t *dates_of(const void *at, uint32_t count)
{
    json_t *array = json_array();
    for (uint32_t i = 0; i < count; i++) {
        uint64_t date = field_get((const uint8_t *)at + i * sizeof(uint32_t), sizeof(uint32_t));
        (void)json_array_append_new(array, json_integer((json_int_t)date));
    }
    return array;
}

static json_t *items_of(const struct genesis *genesis, const struct field *field, const void *items,
                        uint32_t count)
{
    json_t *array = json_array();
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *item = (const uint8_t *)items + i * field->items->item_size;
        (void)json_array_append_new(array, object_of(genesis, field->items, item));
    }
    return array;
}

static bool has_count(const struct field *field)
{
    return field->kind == FIELD_LIST || field->kind == FIELD_ARRAY || field->kind == FIELD_TIMES ||
           field->kind == FIELD_DATES;
}

static json_t *value_of(const struct genesis *genesis, const struct field *field,
                        const void *source)
{
    const void *at = (const uint8_t *)source + field->offset;
    uint32_t count = 0;
    const void *items = at;
    int32_t number;
    if (has_count(field)) {
        memcpy(&count, (const uint8_t *)source + field->count_offset, sizeof count);
    }
    switch (field->kind) {
    case FIELD_TEXT:
        return json_stringn(at, strnlen(at, field->size));
    case FIELD_HEX:
        return hex_of(at, field->size);
    case FIELD_UNSIGNED:
        return unsigned_of(field_get(at, field->size));
    case FIELD_SIGNED:
    case FIELD_MINUTES:
        memcpy(&number, at, sizeof number);
        return json_integer(number);
    case FIELD_TIME:
        return time_of(field_get(at, field->size));
    case FIELD_DATES:
        return dates_of(at, count);
    case FIELD_CHOICE:
        return choice_of(field->names, field_get(at, field->size));
    case FIELD_FLAGS:
        return flags_of(field->names, field_get(at, field->size));
    case FIELD_CURRENCY:
        return currency_of(genesis, field_get(at, field->size));
    case FIELD_TIMES:
        return times_of(at, count);
    case FIELD_OBJECT:
        return object_of(genesis, field->items, source);
    case FIELD_LIST:
        memcpy(&items, at, sizeof items);
        return items_of(genesis, field, items, count);
    case FIELD_ARRAY:
        return items_of(genesis, field, items, count);
    case FIELD_FIXED:
        return items_of(genesis, field, items, (uint32_t)field->most);
    }
    return NULL;
}

/* Whether a field that need not be there is left out: it is zero. */
static bool is_left_out(const struct field *field, const void *source)
{
    const uint8_t *at = (const uint8_t *)source + field->offset;
    if (field->needed) {
        return false;
    }
    if (field->kind == FIELD_OBJECT) {
        for (size_t i = 0; i < field->items->field_count; i++) {
            const struct field *part = &field->items->fields[i];
            if (!bytes_are_zero((const uint8_t *)source + part->offset, part->size)) {
                return false;
            }
        }
        return true;
    }
    if (has_count(field)) {
        at = (const uint8_t *)source + field->count_offset;
        return bytes_are_zero(at, sizeof(uint32_t));
    }
    return bytes_are_zero(at, field->size);
}

static json_t *object_of(const struct genesis *genesis, const struct field_schema *schema,
                         const void *source)
{
    json_t *object = json_object();
    for (size_t i = 0; i < schema->field_count; i++) {
        const struct field *field = &schema->fields[i];
        if (!is_left_out(field, source)) {
            (void)json_object_set_new(object, field->name, value_of(genesis, field, source));
        }
    }
    return object;
}

/* What was written must mean the same when it is read: one lost field would be another chain. */
static enum status check_text(const char *path, const char *text, size_t length,
                              const struct genesis *genesis, char *ret_error, size_t capacity)
{
    struct genesis again;
    enum status status = genesis_text_read(text, length, path, &again, ret_error, capacity);
    if (status != STATUS_OK) {
        return status;
    }
    struct hash chain_id = genesis_file_chain_id(genesis);
    struct hash chain_id_again = genesis_file_chain_id(&again);
    genesis_free(&again);
    if (!hash_equal(&chain_id, &chain_id_again)) {
        return error_set(STATUS_NO_MEMORY, ret_error, capacity,
                         "%s: is not written: the text does not say the same (no memory?)", path);
    }
    return STATUS_OK;
}

static enum status write_json(const char *path, const json_t *json, const struct genesis *genesis,
                              char *ret_error, size_t capacity)
{
    char *text = json_dumps(json, JSON_INDENT(2));
    if (text == NULL) {
        return error_set(STATUS_NO_MEMORY, ret_error, capacity, "%s: no memory", path);
    }
    size_t length = strlen(text);
    enum status status = check_text(path, text, length, genesis, ret_error, capacity);
    if (status == STATUS_OK) {
        text[length] = '\n'; /* in place of the final zero */
        status = file_write(path, 0644, true, text, length + 1, ret_error, capacity);
    }
    free(text);
    return status;
}

enum status genesis_file_check(const struct genesis *genesis, char *ret_error, size_t capacity)
{
    enum status status = genesis_check(genesis, ret_error, capacity);
    if (status != STATUS_OK) {
        return status;
    }
    void *scratch = malloc(genesis_keys_scratch(genesis));
    memory_check(scratch != NULL);
    status = genesis_check_keys(genesis, scratch, ret_error, capacity);
    free(scratch);
    return status;
}

enum status genesis_file_write(const char *path, const struct genesis *genesis, char *ret_error,
                               size_t capacity)
{
    char why[512] = "";
    enum status status = genesis_file_check(genesis, why, sizeof why);
    if (status != STATUS_OK) {
        return error_set(status, ret_error, capacity, "%s: is not written: %s", path, why);
    }
    json_t *json = object_of(genesis, &GENESIS_SCHEMA, genesis);
    status = write_json(path, json, genesis, ret_error, capacity);
    json_decref(json);
    return status;
}
