/* action_body: JSON into bodies of kinds 5 to 12 (see action_body.h). */
#include "cli/action_body.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "cli/text.h"
#include "ledger/genesis.h"
#include "node/genesis_file.h"
#include "node/keys.h"

#define SERVICE_ROW 1u
#define CALENDAR_ROW 2u
#define KEY_OPS_MAX 16u

struct body_reading {
    const char *source;
    const struct names *names;
    json_t *root;
    struct writer writer;
    char *error;
    size_t capacity;
};

static enum status refuse(const struct body_reading *reading, const char *place, const char *what)
{
    snprintf(reading->error, reading->capacity, "%.300s: %s: %s", reading->source, place, what);
    return STATUS_MALFORMED;
}

uint16_t action_body_kind(const char *name)
{
    for (uint16_t kind = ACTION_PARTICIPANT; kind <= ACTION_CYCLE; kind++) {
        if (strcasecmp(action_kind_name(kind), name) == 0) {
            return kind;
        }
    }
    return 0;
}

/* Members that nobody reads are mistakes. */
static enum status check_members(const struct body_reading *reading, json_t *object,
                                 const char *known)
{
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        char padded[64];
        snprintf(padded, sizeof padded, " %.48s ", name);
        if (strstr(known, padded) == NULL) {
            char what[160];
            snprintf(what, sizeof what, "there is no such member here; known are%s", known);
            return refuse(reading, name, what);
        }
    }
    return STATUS_OK;
}

/* A participant by name or number, put into the row as the number that genesis.json writes. */
static enum status resolve(const struct body_reading *reading, json_t *row, const char *member)
{
    json_t *value = json_object_get(row, member);
    uint32_t number;
    if (!json_is_string(value)) {
        return STATUS_OK;
    }
    if (names_participant(reading->names, json_string_value(value), &number) != STATUS_OK) {
        return refuse(reading, member, "expected a participant's name or number");
    }
    (void)json_object_set_new(row, member, json_integer(number));
    return STATUS_OK;
}

static enum status resolve_service(const struct body_reading *reading, json_t *row,
                                   uint16_t *ret_number)
{
    json_t *value = json_object_get(row, "service");
    uint16_t number = 0;
    if (json_is_integer(value) && json_integer_value(value) > 0 &&
        json_integer_value(value) <= UINT16_MAX) {
        number = (uint16_t)json_integer_value(value);
    } else if (!json_is_string(value) ||
               names_service(reading->names, json_string_value(value), &number) != STATUS_OK) {
        return refuse(reading, "service", "expected a service's name or number");
    }
    *ret_number = number;
    return STATUS_OK;
}

/* The member of that name, in genesis.json's form, as a row. */
static enum status read_row(const struct body_reading *reading, const char *part, void *ret_row)
{
    json_t *row = json_object_get(reading->root, part);
    uint16_t service;
    char known[64];
    snprintf(known, sizeof known, " action %s ", part);
    enum status status = check_members(reading, reading->root, known);
    if (status != STATUS_OK) {
        return status;
    }
    if (!json_is_object(row)) {
        return refuse(reading, part, "expected an object, as in genesis.json");
    }
    status = resolve(reading, row, "participant");
    status = status != STATUS_OK ? status : resolve(reading, row, "settles_through");
    status = status != STATUS_OK ? status : resolve(reading, row, "network");
    if (status == STATUS_OK && json_is_string(json_object_get(row, "service"))) {
        status = resolve_service(reading, row, &service);
        if (status == STATUS_OK) {
            (void)json_object_set_new(row, "service", json_integer(service));
        }
    }
    if (status != STATUS_OK) {
        return status;
    }
    char *text = json_dumps(row, 0);
    CHECK(text != NULL);
    struct genesis currencies = *names_genesis(reading->names);
    status = genesis_row_read(part, text, strlen(text), reading->source, &currencies, ret_row,
                              reading->error, reading->capacity);
    free(text);
    return status;
}

static enum status read_standing(const struct body_reading *reading, json_t *object,
                                 uint32_t *ret_status)
{
    const char *word = json_string_value(json_object_get(object, "status"));
    if (word != NULL && strcmp(word, "active") == 0) {
        *ret_status = STANDING_ACTIVE;
    } else if (word != NULL && strcmp(word, "suspended") == 0) {
        *ret_status = STANDING_SUSPENDED;
    } else {
        return refuse(reading, "status", "expected \"active\" or \"suspended\"");
    }
    return STATUS_OK;
}

static enum status read_participant_action(struct body_reading *reading)
{
    struct genesis_participant row;
    json_t *object = json_object_get(reading->root, "participant");
    uint32_t standing = STANDING_ACTIVE;
    memset(&row, 0, sizeof row);
    if (json_object_get(object, "status") != NULL) {
        enum status status = read_standing(reading, object, &standing);
        if (status != STATUS_OK) {
            return status;
        }
        (void)json_object_del(object, "status");
    }
    enum status status = read_row(reading, "participant", &row);
    if (status == STATUS_OK) {
        row.status = standing;
        for (uint32_t i = 0; i < row.key_count; i++) {
            if (!key_public_is_valid(&row.keys[i].key)) {
                return refuse(reading, "participant.keys", "a key is not a valid Ed25519 key");
            }
        }
        genesis_encode_participant(&row, &reading->writer);
    }
    return status;
}

static enum status read_who(const struct body_reading *reading, uint32_t *ret_number)
{
    json_t *value = json_object_get(reading->root, "participant");
    if (json_is_integer(value) && json_integer_value(value) > 0 &&
        json_integer_value(value) <= LIMIT_PARTICIPANTS) {
        *ret_number = (uint32_t)json_integer_value(value);
        return STATUS_OK;
    }
    if (!json_is_string(value) ||
        names_participant(reading->names, json_string_value(value), ret_number) != STATUS_OK) {
        return refuse(reading, "participant", "expected a participant's name or number");
    }
    return STATUS_OK;
}

static uint32_t permissions_of(json_t *list)
{
    uint32_t all = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *word = json_string_value(json_array_get(list, i));
        if (word == NULL || (strcmp(word, "submit") != 0 && strcmp(word, "act") != 0)) {
            return 0;
        }
        all |= strcmp(word, "submit") == 0 ? PERMISSION_SUBMIT : PERMISSION_ACT;
    }
    return all;
}

/* One op: 1 add, 2 remove, 3 permissions. */
static enum status write_key_op(struct body_reading *reading, uint32_t op, json_t *item)
{
    static const char *const PLACES[] = {"", "add", "remove", "permissions"};
    struct public_key key = {{0}};
    json_t *number = json_is_object(item) ? json_object_get(item, "key_no") : item;
    const char *hex = json_string_value(json_object_get(item, "key"));
    uint32_t permissions = permissions_of(json_object_get(item, "permissions"));
    if (!json_is_integer(number) || json_integer_value(number) < 1 ||
        json_integer_value(number) > INT32_MAX) {
        return refuse(reading, PLACES[op], "key_no: expected a whole number from 1");
    }
    if (op != 2 && permissions == 0) {
        return refuse(reading, PLACES[op], "permissions: expected some of submit, act");
    }
    if (op == 1 && (hex == NULL || strlen(hex) != 2 * sizeof key.bytes ||
                    bytes_from_hex(hex, sizeof key.bytes, key.bytes) != STATUS_OK ||
                    !key_public_is_valid(&key))) {
        return refuse(reading, PLACES[op],
                      "key: expected a valid Ed25519 key, 64 hexadecimal digits");
    }
    writer_u32(&reading->writer, op);
    writer_u32(&reading->writer, (uint32_t)json_integer_value(number));
    writer_u32(&reading->writer, op == 2 ? 0 : permissions);
    writer_u32(&reading->writer, 0);
    writer_copy(&reading->writer, key.bytes, sizeof key.bytes);
    return STATUS_OK;
}

static enum status read_keys_action(struct body_reading *reading)
{
    static const char *const LISTS[] = {NULL, "add", "remove", "permissions"};
    uint32_t number;
    size_t count = 0;
    enum status status =
        check_members(reading, reading->root, " action participant add remove permissions ");
    status = status != STATUS_OK ? status : read_who(reading, &number);
    for (unsigned op = 1; op <= 3; op++) {
        count += json_array_size(json_object_get(reading->root, LISTS[op]));
    }
    if (status == STATUS_OK && (count == 0 || count > KEY_OPS_MAX)) {
        return refuse(reading, "add, remove, permissions", "expected 1 to 16 changes in all");
    }
    if (status == STATUS_OK) {
        writer_u32(&reading->writer, number);
        writer_u32(&reading->writer, (uint32_t)count);
    }
    for (uint32_t op = 1; op <= 3; op++) {
        json_t *list = json_object_get(reading->root, LISTS[op]);
        for (size_t i = 0; i < json_array_size(list) && status == STATUS_OK; i++) {
            status = write_key_op(reading, op, json_array_get(list, i));
        }
    }
    return status;
}

static enum status read_standing_action(struct body_reading *reading)
{
    uint32_t number, standing = 0;
    enum status status = check_members(reading, reading->root, " action participant status ");
    status = status != STATUS_OK ? status : read_who(reading, &number);
    status = status != STATUS_OK ? status : read_standing(reading, reading->root, &standing);
    if (status == STATUS_OK) {
        writer_u32(&reading->writer, number);
        writer_u32(&reading->writer, standing);
    }
    return status;
}

static enum status read_limit_action(struct body_reading *reading)
{
    struct genesis_limit row = {.participant = 0};
    enum status status = read_row(reading, "limit", &row);
    genesis_encode_limit(&row, &reading->writer);
    return status;
}

static enum status read_service_action(struct body_reading *reading)
{
    enum status status;
    if (json_object_get(reading->root, "calendar") != NULL) {
        struct genesis_calendar calendar;
        memset(&calendar, 0, sizeof calendar);
        status = read_row(reading, "calendar", &calendar);
        writer_u32(&reading->writer, CALENDAR_ROW);
        writer_u32(&reading->writer, 0);
        genesis_encode_calendar(&calendar, &reading->writer);
    } else {
        struct genesis_service service;
        memset(&service, 0, sizeof service);
        status = read_row(reading, "service", &service);
        writer_u32(&reading->writer, SERVICE_ROW);
        writer_u32(&reading->writer, 0);
        genesis_encode_service(&service, &reading->writer);
    }
    return status;
}

static enum status read_scheme_action(struct body_reading *reading)
{
    struct genesis_scheme row;
    memset(&row, 0, sizeof row);
    enum status status = read_row(reading, "scheme", &row);
    genesis_encode_scheme(&row, &reading->writer);
    return status;
}

static enum status read_parameters_action(struct body_reading *reading)
{
    struct genesis *row = calloc(1, sizeof *row);
    CHECK(row != NULL);
    enum status status = read_row(reading, "parameters", row);
    genesis_encode_parameters(&row->parameters, &reading->writer);
    free(row);
    return status;
}

static enum status read_cycle_action(struct body_reading *reading)
{
    static const char *const OPS[] = {NULL, "close", "extend", "confirm", "cancel"};
    json_t *root = reading->root;
    const char *word = json_string_value(json_object_get(root, "do"));
    const char *until = json_string_value(json_object_get(root, "until"));
    const char *hash = json_string_value(json_object_get(root, "nets_hash"));
    json_t *number = json_object_get(root, "cycle");
    struct hash nets_hash = {{0}};
    uint64_t until_ms = 0;
    uint16_t service = 0, op = 0;
    enum status status = check_members(reading, root, " action service cycle do until nets_hash ");
    status = status != STATUS_OK ? status : resolve_service(reading, root, &service);
    for (uint16_t i = 1; word != NULL && i <= 4; i++) {
        op = strcmp(word, OPS[i]) == 0 ? i : op;
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (op == 0) {
        return refuse(reading, "do", "expected close, extend, confirm or cancel");
    }
    if (!json_is_integer(number) || json_integer_value(number) < 1 ||
        json_integer_value(number) > UINT32_MAX) {
        return refuse(reading, "cycle", "expected a cycle's number");
    }
    if ((op == 2) != (until != NULL) ||
        (until != NULL && time_parse(until, &until_ms) != STATUS_OK)) {
        return refuse(reading, "until",
                      "expected a time as in 2026-11-23T15:30:00Z, to extend only");
    }
    if ((op == 3) != (hash != NULL) ||
        (hash != NULL && (strlen(hash) != 2 * HASH_BYTES ||
                          bytes_from_hex(hash, HASH_BYTES, nets_hash.bytes) != STATUS_OK))) {
        return refuse(reading, "nets_hash",
                      "expected 64 hexadecimal digits, as hefu cycle show prints, to confirm only");
    }
    writer_u16(&reading->writer, service);
    writer_u16(&reading->writer, op);
    writer_u32(&reading->writer, (uint32_t)json_integer_value(number));
    writer_u64(&reading->writer, until_ms);
    writer_copy(&reading->writer, nets_hash.bytes, HASH_BYTES);
    return STATUS_OK;
}

enum status action_body_read(json_t *root, const char *source, const struct names *names,
                             struct action_body *ret_body, char *ret_error, size_t capacity)
{
    static enum status (*const READERS[])(struct body_reading *) = {
        read_participant_action, read_keys_action,   read_standing_action,   read_limit_action,
        read_service_action,     read_scheme_action, read_parameters_action, read_cycle_action,
    };
    const char *name = json_string_value(json_object_get(root, "action"));
    uint16_t kind = name == NULL ? 0 : action_body_kind(name);
    struct body_reading reading = {.source = source,
                                   .names = names,
                                   .root = root,
                                   .writer = writer_over(ret_body->bytes, sizeof ret_body->bytes),
                                   .error = ret_error,
                                   .capacity = capacity};
    ret_body->length = 0;
    if (kind == 0) {
        return refuse(&reading, "action",
                      "expected validators, participant, keys, standing, limit, service, scheme, "
                      "parameters or cycle");
    }
    writer_u16(&reading.writer, ACTION_VERSION);
    writer_u16(&reading.writer, kind);
    writer_u32(&reading.writer, 0);
    enum status status = READERS[kind - ACTION_PARTICIPANT](&reading);
    CHECK(status != STATUS_OK || !reading.writer.failed);
    ret_body->length = status == STATUS_OK ? (uint32_t)reading.writer.used : 0;
    return status;
}
