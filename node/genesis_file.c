/* genesis_file: reading genesis.json by its table (see genesis_file.h). */
#include "node/genesis_file.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "node/file.h"
#include "node/genesis_fields.h"
#include "node/keys.h"
#include "node/memory.h"

#define PLACE_BYTES_MAX 256
#define MINUTES_MAX (24 * 60)

struct reading {
    const char *source;
    struct genesis *genesis;
    char place[PLACE_BYTES_MAX]; /* "participants[3].keys[0]" */
    char *ret_error;
    size_t capacity;
};

static enum status read_object(struct reading *reading, const json_t *json,
                               const struct field_schema *schema, void *target);

/* ---- Where we are, and what was wrong there ---- */

static size_t enter(struct reading *reading, const char *name)
{
    size_t before = strlen(reading->place);
    (void)snprintf(reading->place + before, sizeof reading->place - before, "%s%s",
                   before == 0 ? "" : ".", name);
    return before;
}

static size_t enter_item(struct reading *reading, size_t index)
{
    size_t before = strlen(reading->place);
    (void)snprintf(reading->place + before, sizeof reading->place - before, "[%zu]", index);
    return before;
}

static void leave(struct reading *reading, size_t before)
{
    reading->place[before] = '\0';
}

static enum status refuse(struct reading *reading, const char *expected)
{
    return error_set(STATUS_MALFORMED, reading->ret_error, reading->capacity, "%s: %s: expected %s",
                     reading->source, reading->place[0] == '\0' ? "the whole file" : reading->place,
                     expected);
}

/* ---- Values ---- */

static enum status read_text(struct reading *reading, const json_t *json, const struct field *field,
                             void *at)
{
    const char *text = json_string_value(json);
    char expected[64];
    (void)snprintf(expected, sizeof expected, "a text of 1 to %zu bytes", field->size - 1);
    size_t length = text == NULL ? 0 : json_string_length(json);
    bool good = length > 0 && length < field->size;
    for (size_t i = 0; i < length && good; i++) {
        good = (unsigned char)text[i] >= 0x20 && text[i] != 0x7f;
    }
    if (!good) {
        return refuse(reading, expected);
    }
    memset(at, 0, field->size);
    memcpy(at, text, length);
    return STATUS_OK;
}

static enum status read_hex(struct reading *reading, const json_t *json, const struct field *field,
                            void *at)
{
    const char *text = json_string_value(json);
    char expected[64];
    (void)snprintf(expected, sizeof expected, "%zu hexadecimal digits", 2 * field->size);
    if (text == NULL || bytes_from_hex(text, field->size, at) != STATUS_OK) {
        return refuse(reading, expected);
    }
    return STATUS_OK;
}

/* An integer, or a string of digits for what other programs' JSON cannot carry exactly. */
static bool unsigned_of(const json_t *json, uint64_t most, uint64_t *ret_value)
{
    uint64_t value = 0;
    if (json_is_integer(json)) {
        if (json_integer_value(json) < 0) {
            return false;
        }
        value = (uint64_t)json_integer_value(json);
    } else {
        const char *digits = json_string_value(json);
        if (digits == NULL || digits[0] == '\0') {
            return false;
        }
        for (; *digits != '\0'; digits++) {
            if (*digits < '0' || *digits > '9' || __builtin_mul_overflow(value, 10u, &value) ||
                __builtin_add_overflow(value, (uint64_t)(*digits - '0'), &value)) {
                return false;
            }
        }
    }
    *ret_value = value;
    return value <= most;
}

static enum status read_unsigned(struct reading *reading, const json_t *json,
                                 const struct field *field, void *at)
{
    uint64_t value;
    char expected[96];
    (void)snprintf(expected, sizeof expected, "a whole number from 0 to %llu",
                   (unsigned long long)field->most);
    if (!unsigned_of(json, field->most, &value)) {
        return refuse(reading, expected);
    }
    field_set(at, field->size, value);
    return STATUS_OK;
}

static enum status read_signed(struct reading *reading, const json_t *json,
                               const struct field *field, void *at)
{
    json_int_t value = json_integer_value(json);
    json_int_t most = (json_int_t)field->most;
    char expected[96];
    (void)snprintf(expected, sizeof expected, "a whole number from -%lld to %lld", (long long)most,
                   (long long)most);
    if (!json_is_integer(json) || value < -most || value > most) {
        return refuse(reading, expected);
    }
    int32_t number = (int32_t)value;
    memcpy(at, &number, sizeof number);
    return STATUS_OK;
}

static enum status read_minutes(struct reading *reading, const json_t *json, void *at)
{
    json_int_t value = json_integer_value(json);
    if (!json_is_integer(json) || value < -MINUTES_MAX || value > MINUTES_MAX) {
        return refuse(reading, "minutes from -1440 to 1440");
    }
    int32_t minutes = (int32_t)value;
    memcpy(at, &minutes, sizeof minutes);
    return STATUS_OK;
}

/* false if json is not one of the names; refuse_name then says which there are. */
static bool name_of(const json_t *json, const struct field_name *names, uint32_t *ret_value)
{
    const char *text = json_string_value(json);
    for (; text != NULL && names->name != NULL; names++) {
        if (strcmp(text, names->name) == 0) {
            *ret_value = names->value;
            return true;
        }
    }
    return false;
}

static enum status refuse_name(struct reading *reading, const char *what,
                               const struct field_name *names)
{
    char expected[160];
    size_t used = (size_t)snprintf(expected, sizeof expected, "%s", what);
    for (; names->name != NULL && used < sizeof expected; names++) {
        used += (size_t)snprintf(expected + used, sizeof expected - used, " %s", names->name);
    }
    return refuse(reading, expected);
}

static enum status read_choice(struct reading *reading, const json_t *json,
                               const struct field *field, void *at)
{
    uint32_t value;
    if (!name_of(json, field->names, &value)) {
        return refuse_name(reading, "one of", field->names);
    }
    field_set(at, field->size, value);
    return STATUS_OK;
}

static enum status read_flags(struct reading *reading, const json_t *json,
                              const struct field *field, void *at)
{
    uint32_t all = 0;
    if (!json_is_array(json)) {
        return refuse_name(reading, "an array of some of", field->names);
    }
    for (size_t i = 0; i < json_array_size(json); i++) {
        uint32_t value;
        if (!name_of(json_array_get(json, i), field->names, &value) || (all & value) != 0) {
            return refuse_name(reading, "an array of some of, each once:", field->names);
        }
        all |= value;
    }
    field_set(at, field->size, all);
    return STATUS_OK;
}

static enum status read_currency(struct reading *reading, const json_t *json,
                                 const struct field *field, void *at)
{
    const char *code = json_string_value(json);
    for (uint32_t i = 0; code != NULL && i < reading->genesis->currency_count; i++) {
        if (strcmp(code, reading->genesis->currencies[i].code) == 0) {
            field_set(at, field->size, reading->genesis->currencies[i].numeric);
            return STATUS_OK;
        }
    }
    return refuse(reading, "the code of one of the currencies, as in \"CNY\"");
}

static bool is_digit(char character)
{
    return character >= '0' && character <= '9';
}

static bool time_of(const char *text, uint16_t *ret_minutes)
{
    if (text == NULL || strlen(text) != 5 || text[2] != ':' || !is_digit(text[0]) ||
        !is_digit(text[1]) || !is_digit(text[3]) || !is_digit(text[4])) {
        return false;
    }
    int hours = (text[0] - '0') * 10 + text[1] - '0';
    int minutes = (text[3] - '0') * 10 + text[4] - '0';
    *ret_minutes = (uint16_t)(hours * 60 + minutes);
    return hours < 24 && minutes < 60;
}

static enum status read_times(struct reading *reading, const json_t *json,
                              const struct field *field, void *at, void *target)
{
    char expected[96];
    (void)snprintf(expected, sizeof expected, "an array of at most %llu times, as in \"17:30\"",
                   (unsigned long long)field->most);
    if (!json_is_array(json) || json_array_size(json) > field->most) {
        return refuse(reading, expected);
    }
    uint32_t count = (uint32_t)json_array_size(json);
    for (uint32_t i = 0; i < count; i++) {
        uint16_t minutes;
        if (!time_of(json_string_value(json_array_get(json, i)), &minutes)) {
            return refuse(reading, expected);
        }
        memcpy((uint8_t *)at + i * sizeof minutes, &minutes, sizeof minutes);
    }
    memcpy((uint8_t *)target + field->count_offset, &count, sizeof count);
    return STATUS_OK;
}

static enum status read_time(struct reading *reading, const json_t *json, void *at)
{
    uint16_t minutes;
    if (!time_of(json_string_value(json), &minutes)) {
        return refuse(reading, "a time as in \"17:30\"");
    }
    memcpy(at, &minutes, sizeof minutes);
    return STATUS_OK;
}

static enum status read_dates(struct reading *reading, const json_t *json,
                              const struct field *field, void *at, void *target)
{
    char expected[96];
    (void)snprintf(expected, sizeof expected, "an array of at most %llu dates, as in 20260101",
                   (unsigned long long)field->most);
    if (!json_is_array(json) || json_array_size(json) > field->most) {
        return refuse(reading, expected);
    }
    uint32_t count = (uint32_t)json_array_size(json);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t date;
        if (!unsigned_of(json_array_get(json, i), UINT32_MAX, &date)) {
            return refuse(reading, expected);
        }
        field_set((uint8_t *)at + i * sizeof(uint32_t), sizeof(uint32_t), date);
    }
    memcpy((uint8_t *)target + field->count_offset, &count, sizeof count);
    return STATUS_OK;
}

static enum status read_items(struct reading *reading, const json_t *json,
                              const struct field *field, void *items)
{
    size_t item_size = field->items->item_size;
    for (size_t i = 0; i < json_array_size(json); i++) {
        size_t before = enter_item(reading, i);
        enum status status = read_object(reading, json_array_get(json, i), field->items,
                                         (uint8_t *)items + i * item_size);
        if (status != STATUS_OK) {
            return status;
        }
        leave(reading, before);
    }
    return STATUS_OK;
}

static enum status read_list(struct reading *reading, const json_t *json, const struct field *field,
                             void *at, void *target)
{
    char expected[64];
    (void)snprintf(expected, sizeof expected, "an array of at most %llu objects",
                   (unsigned long long)field->most);
    if (!json_is_array(json) || json_array_size(json) > field->most) {
        return refuse(reading, expected);
    }
    uint32_t count = (uint32_t)json_array_size(json);
    void *items = at;
    if (field->kind == FIELD_LIST) {
        items = calloc(count == 0 ? 1 : count, field->items->item_size);
        if (items == NULL) {
            return error_set(STATUS_NO_MEMORY, reading->ret_error, reading->capacity,
                             "%s: no memory for %u %s", reading->source, count, field->name);
        }
        memcpy(at, &items, sizeof items);
    }
    memcpy((uint8_t *)target + field->count_offset, &count, sizeof count);
    return read_items(reading, json, field, items);
}

static enum status read_fixed(struct reading *reading, const json_t *json,
                              const struct field *field, void *at)
{
    char expected[64];
    (void)snprintf(expected, sizeof expected, "an array of exactly %llu objects",
                   (unsigned long long)field->most);
    if (!json_is_array(json) || json_array_size(json) != field->most) {
        return refuse(reading, expected);
    }
    return read_items(reading, json, field, at);
}

static enum status read_field(struct reading *reading, const json_t *json,
                              const struct field *field, void *target)
{
    void *at = (uint8_t *)target + field->offset;
    switch (field->kind) {
    case FIELD_TEXT:
        return read_text(reading, json, field, at);
    case FIELD_HEX:
        return read_hex(reading, json, field, at);
    case FIELD_UNSIGNED:
        return read_unsigned(reading, json, field, at);
    case FIELD_SIGNED:
        return read_signed(reading, json, field, at);
    case FIELD_TIME:
        return read_time(reading, json, at);
    case FIELD_DATES:
        return read_dates(reading, json, field, at, target);
    case FIELD_MINUTES:
        return read_minutes(reading, json, at);
    case FIELD_CHOICE:
        return read_choice(reading, json, field, at);
    case FIELD_FLAGS:
        return read_flags(reading, json, field, at);
    case FIELD_CURRENCY:
        return read_currency(reading, json, field, at);
    case FIELD_TIMES:
        return read_times(reading, json, field, at, target);
    case FIELD_OBJECT:
        return read_object(reading, json, field->items, target);
    case FIELD_LIST:
    case FIELD_ARRAY:
        return read_list(reading, json, field, at, target);
    case FIELD_FIXED:
        return read_fixed(reading, json, field, at);
    }
    return refuse(reading, "a field of a known kind");
}

static bool knows(const struct field_schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->field_count; i++) {
        if (strcmp(schema->fields[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static enum status read_object(struct reading *reading, const json_t *json,
                               const struct field_schema *schema, void *target)
{
    const char *name;
    json_t *value;
    if (!json_is_object(json)) {
        return refuse(reading, "an object");
    }
    json_object_foreach((json_t *)(uintptr_t)json, name, value)
    {
        if (!knows(schema, name)) {
            (void)enter(reading, name);
            return refuse(reading, "no such key: it is unknown here");
        }
    }
    for (size_t i = 0; i < schema->field_count; i++) {
        const struct field *field = &schema->fields[i];
        const json_t *found = json_object_get(json, field->name);
        size_t before = enter(reading, field->name);
        if (found == NULL && field->needed) {
            return refuse(reading, "a value: it is missing");
        }
        enum status status = found == NULL ? STATUS_OK : read_field(reading, found, field, target);
        if (status != STATUS_OK) {
            return status;
        }
        leave(reading, before);
    }
    return STATUS_OK;
}

/* ---- What only the shell can check: points of the curves ---- */

static enum status refuse_key(struct reading *reading, const char *list, uint32_t index,
                              const char *name)
{
    leave(reading, 0);
    (void)enter(reading, list);
    (void)enter_item(reading, index);
    (void)enter(reading, name);
    return refuse(reading, "a valid public key (these bytes are not a point of the prime-order "
                           "group, so nobody can hold its secret)");
}

static enum status check_keys(struct reading *reading)
{
    static const struct transport_key none;
    const struct genesis *genesis = reading->genesis;
    for (uint32_t i = 0; i < genesis->validator_count; i++) {
        if (!key_public_is_valid(&genesis->validators[i].key)) {
            return refuse_key(reading, "validators", i, "key");
        }
        if (!key_transport_is_valid(&genesis->validators[i].transport_key)) {
            return refuse_key(reading, "validators", i, "transport_key");
        }
    }
    for (uint32_t i = 0; i < genesis->participant_count; i++) {
        const struct genesis_participant *participant = &genesis->participants[i];
        for (uint32_t k = 0; k < participant->key_count; k++) {
            if (!key_public_is_valid(&participant->keys[k].key)) {
                return refuse_key(reading, "participants", i, "keys");
            }
        }
        if (memcmp(&participant->transport_key, &none, sizeof none) != 0 &&
            !key_transport_is_valid(&participant->transport_key)) {
            return refuse_key(reading, "participants", i, "transport_key");
        }
    }
    return STATUS_OK;
}

static enum status check_whole(struct reading *reading)
{
    char why[512] = "";
    for (uint32_t i = 0; i < reading->genesis->participant_count; i++) {
        reading->genesis->participants[i].status = STANDING_ACTIVE; /* as everyone in genesis */
    }
    enum status status = genesis_file_check(reading->genesis, why, sizeof why);
    if (status != STATUS_OK) {
        return error_set(status, reading->ret_error, reading->capacity, "%s: %s", reading->source,
                         why);
    }
    return check_keys(reading);
}

/* jansson tells a parse that ran out of memory from a bad text only now and then, and 2.14 may even
   go on with a character missing from a string or number. */
static _Thread_local bool json_ran_out;

static void *json_memory(size_t size)
{
    void *memory = malloc(size);
    json_ran_out = json_ran_out || memory == NULL;
    return memory;
}

enum status genesis_text_read(const char *text, size_t length, const char *source,
                              struct genesis *ret_genesis, char *ret_error, size_t capacity)
{
    json_error_t error;
    struct genesis genesis;
    memset(&genesis, 0, sizeof genesis);
    struct reading reading = {
        .source = source, .genesis = &genesis, .ret_error = ret_error, .capacity = capacity};
    json_ran_out = false;
    json_set_alloc_funcs(json_memory, free);
    json_t *json = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (json_ran_out) {
        json_decref(json);
        return error_set(STATUS_NO_MEMORY, ret_error, capacity, "%s: no memory to read it", source);
    }
    if (json == NULL) {
        return error_set(STATUS_MALFORMED, ret_error, capacity, "%s:%d:%d: not JSON: %s", source,
                         error.line, error.column, error.text);
    }
    enum status status = read_object(&reading, json, &GENESIS_SCHEMA, &genesis);
    json_decref(json);
    if (status == STATUS_OK) {
        status = check_whole(&reading);
    }
    if (status != STATUS_OK) {
        genesis_free(&genesis);
        return status;
    }
    *ret_genesis = genesis;
    return STATUS_OK;
}

enum status genesis_row_read(const char *part, const char *text, size_t length, const char *source,
                             struct genesis *currencies, void *ret_row, char *ret_error,
                             size_t capacity)
{
    struct reading reading = {
        .source = source, .genesis = currencies, .ret_error = ret_error, .capacity = capacity};
    const struct field_schema *schema = genesis_row_schema(part);
    json_t *json = json_loadb(text, length, 0, NULL);
    CHECK(schema != NULL);
    (void)enter(&reading, part);
    enum status status = read_object(&reading, json, schema, ret_row);
    json_decref(json);
    return status;
}

enum status genesis_file_read(const char *path, struct genesis *ret_genesis, char *ret_error,
                              size_t capacity)
{
    uint8_t *text;
    size_t length;
    enum status status =
        file_read(path, GENESIS_FILE_BYTES_MAX, 0, &text, &length, ret_error, capacity);
    if (status != STATUS_OK) {
        return status;
    }
    status = genesis_text_read((const char *)text, length, path, ret_genesis, ret_error, capacity);
    free(text);
    return status;
}

void genesis_free(struct genesis *genesis)
{
    free(genesis->currencies);
    free(genesis->participants);
    free(genesis->limits);
    free(genesis->services);
    free(genesis->schemes);
    free(genesis->calendars);
    free(genesis->validators);
    memset(genesis, 0, sizeof *genesis);
}

struct hash genesis_file_chain_id(const struct genesis *genesis)
{
    size_t size = genesis_encoded_size(genesis);
    void *scratch = malloc(size);
    memory_check(scratch != NULL);
    struct hash chain_id = genesis_chain_id(genesis, scratch, size);
    free(scratch);
    return chain_id;
}

enum status genesis_validator_set(const struct genesis *genesis, uint64_t epoch,
                                  struct validator_set *ret_set)
{
    if (genesis->validator_count == 0 || genesis->validator_count > LIMIT_VALIDATORS) {
        return STATUS_MALFORMED;
    }
    memset(ret_set, 0, sizeof *ret_set);
    ret_set->epoch = epoch;
    ret_set->count = genesis->validator_count;
    for (uint32_t i = 0; i < genesis->validator_count; i++) {
        const struct genesis_validator *validator = &genesis->validators[i];
        ret_set->members[i] = (struct validator){.key = validator->key,
                                                 .transport_key = validator->transport_key,
                                                 .participant = validator->participant};
    }
    enum status status = validators_check(ret_set);
    if (status == STATUS_OK) {
        validators_seal(ret_set);
    }
    return status;
}
