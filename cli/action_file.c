/* action_file: JSON into an action (see action_file.h). */
#include "cli/action_file.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/file.h"
#include "node/keys.h"

#define ACTION_FILE_BYTES_MAX (1u << 20)
#define KEY_BYTES 32

/* Where the reading stands; the first error wins. */
struct reading {
    const char *source;
    const struct names *names;
    const struct roster *roster;
    struct action *action;
    char place[48]; /* "add[0]" */
    char *error;
    size_t capacity;
    bool failed;
};

static void fail(struct reading *reading, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void fail(struct reading *reading, const char *format, ...)
{
    if (reading->failed) {
        return;
    }
    char what[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    reading->failed = true;
    snprintf(reading->error, reading->capacity, "%.300s: %s%s%s", reading->source, reading->place,
             reading->place[0] != '\0' ? ": " : "", what);
}

/* Members that nobody reads are mistakes, not extensions. */
static void check_members(struct reading *reading, json_t *object, const char *allowed)
{
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        char padded[64];
        snprintf(padded, sizeof padded, " %.48s ", name);
        if (strstr(allowed, padded) == NULL) {
            /* allowed has a blank at both ends, of which one is wanted. */
            fail(reading, "\"%.48s\" is not one of%.*s", name, (int)strlen(allowed) - 1, allowed);
        }
    }
}

static const char *text_of(struct reading *reading, json_t *object, const char *member)
{
    json_t *value = json_object_get(object, member);
    if (value == NULL) {
        return NULL;
    }
    if (!json_is_string(value) || json_string_length(value) != strlen(json_string_value(value))) {
        fail(reading, "\"%s\" is not text", member);
        return NULL;
    }
    return json_string_value(value);
}

/* 64 hexadecimal digits. */
static bool bytes_of(struct reading *reading, json_t *object, const char *member,
                     uint8_t ret_bytes[KEY_BYTES])
{
    const char *text = text_of(reading, object, member);
    if (text == NULL || strlen(text) != 2 * KEY_BYTES ||
        bytes_from_hex(text, KEY_BYTES, ret_bytes) != STATUS_OK) {
        fail(reading, "\"%s\" must be 64 hexadecimal digits", member);
        return false;
    }
    return true;
}

static void new_keys_of(struct reading *reading, json_t *object, const char *key,
                        const char *transport, struct action_change *change)
{
    if (bytes_of(reading, object, key, change->key.bytes) && !key_public_is_valid(&change->key)) {
        fail(reading, "\"%s\" is not a valid Ed25519 key", key);
    }
    if (bytes_of(reading, object, transport, change->transport_key.bytes) &&
        !key_transport_is_valid(&change->transport_key)) {
        fail(reading, "\"%s\" is not a valid X25519 key", transport);
    }
}

static void name_of(struct reading *reading, json_t *object, const char *member, bool needed,
                    struct action_change *change)
{
    const char *text = text_of(reading, object, member);
    if (text == NULL && !needed) {
        return;
    }
    if (text == NULL || text[0] == '\0' || strlen(text) >= sizeof change->name) {
        fail(reading, "\"%s\" must be a text of 1 to %zu bytes", member, sizeof change->name - 1);
        return;
    }
    memcpy(change->name, text, strlen(text));
    if (!action_is_text(change->name, sizeof change->name)) {
        fail(reading, "\"%s\" has a control character", member);
    }
}

/* The member of the present set that "key" or "name" names. */
static void member_of(struct reading *reading, json_t *object, struct action_change *change)
{
    const char *name = text_of(reading, object, "name");
    if ((name != NULL) == (json_object_get(object, "key") != NULL)) {
        fail(reading, "needs either \"key\" or \"name\"");
        return;
    }
    if (name == NULL) {
        (void)bytes_of(reading, object, "key", change->old_key.bytes);
        return;
    }
    if (reading->roster == NULL) {
        fail(reading, "to name a validator by its name give --home DIR, a node's home; or give "
                      "its \"key\"");
        return;
    }
    unsigned found = 0;
    for (uint32_t i = 0; i < reading->roster->count; i++) {
        const struct ledger_validator *member = &reading->roster->members[i];
        if (strcmp(member->name, name) == 0) {
            change->old_key = member->validator.key;
            found++;
        }
    }
    if (found != 1) {
        fail(reading, "%s validator has the name \"%.32s\"", found == 0 ? "no" : "more than one",
             name);
    }
}

static void participant_of(struct reading *reading, json_t *object, struct action_change *change)
{
    json_t *value = json_object_get(object, "participant");
    char word[24];
    const char *given = NULL;
    if (json_is_integer(value)) {
        snprintf(word, sizeof word, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        given = word;
    } else {
        given = text_of(reading, object, "participant");
    }
    if (given == NULL ||
        names_participant(reading->names, given, &change->participant) != STATUS_OK) {
        fail(reading, "\"participant\" must be a participant of this network, by number or name");
    }
}

static void add(struct reading *reading, json_t *object, struct action_change *change)
{
    check_members(reading, object, " name participant key transport_key ");
    change->op = CHANGE_ADD;
    name_of(reading, object, "name", true, change);
    participant_of(reading, object, change);
    new_keys_of(reading, object, "key", "transport_key", change);
}

static void remove_member(struct reading *reading, json_t *object, struct action_change *change)
{
    check_members(reading, object, " key name ");
    change->op = CHANGE_REMOVE;
    member_of(reading, object, change);
}

static void replace(struct reading *reading, json_t *object, struct action_change *change)
{
    check_members(reading, object, " key name new_key new_transport_key new_name ");
    change->op = CHANGE_REPLACE;
    member_of(reading, object, change);
    name_of(reading, object, "new_name", false, change);
    new_keys_of(reading, object, "new_key", "new_transport_key", change);
}

static void list(struct reading *reading, json_t *root, const char *member,
                 void (*read)(struct reading *, json_t *, struct action_change *))
{
    json_t *array = json_object_get(root, member);
    if (array == NULL) {
        return;
    }
    if (!json_is_array(array)) {
        fail(reading, "\"%s\" is not a list", member);
        return;
    }
    for (size_t i = 0; i < json_array_size(array) && !reading->failed; i++) {
        snprintf(reading->place, sizeof reading->place, "%s[%zu]", member, i);
        json_t *object = json_array_get(array, i);
        if (!json_is_object(object)) {
            fail(reading, "is not an object");
        } else if (reading->action->change_count == ACTION_CHANGES_MAX) {
            fail(reading, "one action makes at most %d changes", ACTION_CHANGES_MAX);
        } else {
            read(reading, object, &reading->action->changes[reading->action->change_count++]);
        }
        reading->place[0] = '\0';
    }
}

static void read_root(struct reading *reading, json_t *root)
{
    const char *kind = json_is_object(root) ? text_of(reading, root, "action") : NULL;
    if (kind == NULL || strcmp(kind, "validators") != 0) {
        fail(reading, "expected an object with \"action\": \"validators\"");
        return;
    }
    check_members(reading, root, " action epoch add remove replace ");
    json_t *epoch = json_object_get(root, "epoch");
    if (epoch != NULL && (!json_is_integer(epoch) || json_integer_value(epoch) < 1)) {
        fail(reading, "\"epoch\" must be a number from 1");
    }
    reading->action->kind = ACTION_VALIDATORS;
    if (epoch != NULL) {
        reading->action->epoch = (uint64_t)json_integer_value(epoch);
    } else if (reading->roster != NULL) {
        reading->action->epoch = reading->roster->epoch;
    }
    list(reading, root, "replace", replace);
    list(reading, root, "remove", remove_member);
    list(reading, root, "add", add);
    if (reading->action->change_count == 0) {
        fail(reading, "nothing to add, remove or replace");
    }
}

enum status action_text_read(const char *text, size_t length, const char *source,
                             const struct names *names, const struct roster *roster,
                             struct action *ret_action, struct action_body *ret_body,
                             char *ret_error, size_t capacity)
{
    struct action action;
    struct reading reading = {.source = source,
                              .names = names,
                              .roster = roster,
                              .action = &action,
                              .error = ret_error,
                              .capacity = capacity};
    json_error_t problem;
    memset(&action, 0, sizeof action);
    json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &problem);
    if (root == NULL) {
        snprintf(ret_error, capacity, "%.300s:%d:%d: %s", source, problem.line, problem.column,
                 problem.text);
        return STATUS_MALFORMED;
    }
    const char *kind = json_string_value(json_object_get(root, "action"));
    enum status status = STATUS_OK;
    ret_body->length = 0;
    if (kind != NULL && strcmp(kind, "validators") != 0) {
        action.kind = action_body_kind(kind);
        status = action_body_read(root, source, names, ret_body, ret_error, capacity);
    } else {
        read_root(&reading, root);
        status = reading.failed ? STATUS_MALFORMED : STATUS_OK;
    }
    json_decref(root);
    if (status == STATUS_OK) {
        *ret_action = action;
    }
    return status;
}

enum status action_file_read(const char *path, const struct names *names,
                             const struct roster *roster, struct action *ret_action,
                             struct action_body *ret_body, char *ret_error, size_t capacity)
{
    uint8_t *text;
    size_t length;
    enum status status =
        file_read(path, ACTION_FILE_BYTES_MAX, 0, &text, &length, ret_error, capacity);
    if (status != STATUS_OK) {
        return status;
    }
    status = action_text_read((const char *)text, length, path, names, roster, ret_action, ret_body,
                              ret_error, capacity);
    free(text);
    return status;
}
