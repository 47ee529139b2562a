/*
 * wire: the scan, the budgeted allocator and the canonical check (see wire.h). The encoding is
 * protobuf's: a tag (field number << 3 | wire type) as a varint, then a varint, 8 bytes, 4 bytes,
 * or a length and that many bytes.
 */
#include "proto/wire.h"

#include "base/check.h"
#include "base/limits.h"

/* Frame, list, element, certificate is the deepest that a schema nests. */
#define WIRE_DEPTH_MAX 8
/* Required fields are noted in a 64-bit set. */
#define WIRE_FIELDS_MAX 64

/* One field as it stands on the wire. */
struct wire_item {
    uint32_t field;
    uint32_t type; /* ProtobufCWireType */
    uint64_t number;
    struct span payload;
};

struct scan {
    const struct wire_schema *schema;
    const char *what;
    size_t next_rule; /* where the search for a rule begins: fields ascend, and so do rules */
};

/* What the scan of one message has seen so far. */
struct progress {
    uint32_t last_field;
    uint32_t repeats;
    uint64_t present; /* bit i: field i of the descriptor */
    bool oneof_taken;
};

/* A varint in its shortest form: at most ten bytes, no last byte of zero, no bits above 64. */
static enum status read_varint(struct reader *in, uint64_t *ret_value)
{
    uint64_t value = 0;
    if (in->left > 0 && in->next[0] < 0x80) { /* most have one byte */
        *ret_value = reader_u8(in);
        return STATUS_OK;
    }
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (in->left == 0) {
            return STATUS_TRUNCATED;
        }
        uint8_t byte = reader_u8(in);
        if (shift == 63 && byte > 1) {
            return STATUS_MALFORMED;
        }
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            if (byte == 0 && shift > 0) {
                return STATUS_MALFORMED;
            }
            *ret_value = value;
            return STATUS_OK;
        }
    }
    return STATUS_MALFORMED;
}

static enum status read_payload(struct reader *in, uint64_t length, struct span *ret_payload)
{
    if (length > in->left) {
        return STATUS_TRUNCATED;
    }
    ret_payload->length = (size_t)length;
    ret_payload->data = reader_take(in, (size_t)length);
    return STATUS_OK;
}

static enum status read_item(struct reader *in, struct wire_item *ret_item)
{
    uint64_t tag = 0;
    enum status status = read_varint(in, &tag);
    if (status != STATUS_OK) {
        return status;
    }
    if (tag > UINT32_MAX || tag >> 3 == 0) {
        return STATUS_MALFORMED;
    }
    *ret_item = (struct wire_item){.field = (uint32_t)tag >> 3, .type = (uint32_t)tag & 7};
    if (ret_item->type == PROTOBUF_C_WIRE_TYPE_VARINT) {
        return read_varint(in, &ret_item->number);
    }
    if (ret_item->type == PROTOBUF_C_WIRE_TYPE_64BIT) {
        return read_payload(in, 8, &ret_item->payload);
    }
    if (ret_item->type == PROTOBUF_C_WIRE_TYPE_32BIT) {
        return read_payload(in, 4, &ret_item->payload);
    }
    if (ret_item->type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED) {
        return STATUS_MALFORMED;
    }
    uint64_t length = 0;
    status = read_varint(in, &length);
    return status == STATUS_OK ? read_payload(in, length, &ret_item->payload) : status;
}

/* The wire type of a field, for the types that our schemas use; UINT32_MAX for the others. */
static uint32_t wire_type_of(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_ENUM:
        return PROTOBUF_C_WIRE_TYPE_VARINT;
    case PROTOBUF_C_TYPE_FIXED64:
        return PROTOBUF_C_WIRE_TYPE_64BIT;
    case PROTOBUF_C_TYPE_FIXED32:
        return PROTOBUF_C_WIRE_TYPE_32BIT;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
        break;
    }
    return UINT32_MAX;
}

/* The rule of a field that must have one, or NULL. */
static const struct wire_rule *rule_of(struct scan *scan, const ProtobufCMessageDescriptor *message,
                                       uint32_t field)
{
    const struct wire_schema *schema = scan->schema;
    for (size_t i = 0; i < schema->rule_count; i++) {
        size_t at = scan->next_rule + i;
        at -= at < schema->rule_count ? 0 : schema->rule_count;
        if (schema->rules[at].message == message && schema->rules[at].field == field) {
            scan->next_rule = at + 1 < schema->rule_count ? at + 1 : 0;
            return &schema->rules[at];
        }
    }
    return NULL;
}

/* Bytes, strings and what repeats are bounded by rules; numbers and single messages need none. */
static bool takes_rule(const ProtobufCFieldDescriptor *field)
{
    return field->type == PROTOBUF_C_TYPE_BYTES || field->type == PROTOBUF_C_TYPE_STRING ||
           field->label == PROTOBUF_C_LABEL_REPEATED;
}

/* Continuation bytes that follow a lead byte, or -1; ret_first_min and max bound the first of them,
   which excludes overlong forms, surrogates and what lies above U+10FFFF. */
static int utf8_tail(uint8_t lead, uint8_t *ret_first_min, uint8_t *ret_first_max)
{
    *ret_first_min = 0x80;
    *ret_first_max = 0xbf;
    if (lead >= 0xc2 && lead <= 0xdf) {
        /* U+0080 to U+009F are control characters. */
        *ret_first_min = lead == 0xc2 ? 0xa0 : 0x80;
        return 1;
    }
    if (lead >= 0xe0 && lead <= 0xef) {
        *ret_first_min = lead == 0xe0 ? 0xa0 : 0x80;
        *ret_first_max = lead == 0xed ? 0x9f : 0xbf;
        return 2;
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        *ret_first_min = lead == 0xf0 ? 0x90 : 0x80;
        *ret_first_max = lead == 0xf4 ? 0x8f : 0xbf;
        return 3;
    }
    return -1;
}

bool wire_text_is_clean(const uint8_t *text, size_t length)
{
    size_t i = 0;
    while (i < length) {
        uint8_t lead = text[i++];
        if (lead < 0x80) {
            if (lead < 0x20 || lead == 0x7f) {
                return false;
            }
            continue;
        }
        uint8_t min = 0;
        uint8_t max = 0;
        int tail = utf8_tail(lead, &min, &max);
        if (tail < 0 || length - i < (size_t)tail || text[i] < min || text[i] > max) {
            return false;
        }
        for (int k = 1; k < tail; k++) {
            if ((text[i + (size_t)k] & 0xc0) != 0x80) {
                return false;
            }
        }
        i += (size_t)tail;
    }
    return true;
}

/* Bytes and strings, by their rule. */
static enum status check_length(const struct wire_rule *rule, const ProtobufCFieldDescriptor *field,
                                struct span payload)
{
    CHECK(rule != NULL && rule->unit > 0);
    if (payload.length / rule->unit > rule->units_max) {
        return STATUS_OVERSIZED;
    }
    if (payload.length % rule->unit != 0) {
        return STATUS_MALFORMED;
    }
    if (payload.length / rule->unit < rule->units_min) {
        return STATUS_MALFORMED;
    }
    if (field->type == PROTOBUF_C_TYPE_STRING &&
        !wire_text_is_clean(payload.data, payload.length)) {
        return STATUS_MALFORMED;
    }
    return STATUS_OK;
}

static enum status check_number(const ProtobufCFieldDescriptor *field, uint64_t number)
{
    if (field->type == PROTOBUF_C_TYPE_BOOL) {
        return number <= 1 ? STATUS_OK : STATUS_MALFORMED;
    }
    if (field->type == PROTOBUF_C_TYPE_ENUM) {
        return number <= INT32_MAX &&
                       protobuf_c_enum_descriptor_get_value(field->descriptor, (int)number) != NULL
                   ? STATUS_OK
                   : STATUS_MALFORMED;
    }
    return number <= UINT32_MAX ? STATUS_OK : STATUS_MALFORMED;
}

/* Where the field stands among its message's: known, in order, not too often. */
static enum status check_place(const struct wire_rule *rule, const ProtobufCFieldDescriptor *field,
                               struct progress *progress)
{
    bool repeated = field->label == PROTOBUF_C_LABEL_REPEATED;
    bool again = field->id == progress->last_field;
    if (field->id < progress->last_field || (again && !repeated)) {
        return STATUS_MALFORMED;
    }
    progress->last_field = field->id;
    progress->repeats = again ? progress->repeats + 1 : 1;
    CHECK(!repeated || (rule != NULL && rule->repeats_max > 0));
    if (repeated && progress->repeats > rule->repeats_max) {
        return STATUS_OVERSIZED;
    }
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
        if (progress->oneof_taken) {
            return STATUS_MALFORMED;
        }
        progress->oneof_taken = true;
    }
    return STATUS_OK;
}

static enum status check_present(struct scan *scan, const ProtobufCMessageDescriptor *message,
                                 uint64_t present)
{
    for (unsigned i = 0; i < message->n_fields; i++) {
        bool required = message->fields[i].label == PROTOBUF_C_LABEL_REQUIRED;
        if (required && (present >> i & 1) == 0) {
            scan->what = message->fields[i].name;
            return STATUS_MALFORMED;
        }
    }
    return STATUS_OK;
}

static enum status scan_item(struct scan *scan, const ProtobufCMessageDescriptor *message,
                             const struct wire_item *item, struct progress *progress,
                             const ProtobufCFieldDescriptor **ret_field)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field(message, item->field);
    if (field == NULL) {
        scan->what = "unknown field";
        return STATUS_MALFORMED;
    }
    *ret_field = field;
    scan->what = field->name;
    uint32_t type = wire_type_of(field);
    CHECK(type != UINT32_MAX);
    if (item->type != type) {
        return STATUS_MALFORMED;
    }
    const struct wire_rule *rule = takes_rule(field) ? rule_of(scan, message, item->field) : NULL;
    enum status status = check_place(rule, field, progress);
    if (status != STATUS_OK) {
        return status;
    }
    progress->present |= UINT64_C(1) << (field - message->fields);
    if (item->type == PROTOBUF_C_WIRE_TYPE_VARINT) {
        return check_number(field, item->number);
    }
    if (field->type == PROTOBUF_C_TYPE_BYTES || field->type == PROTOBUF_C_TYPE_STRING) {
        return check_length(rule, field, item->payload);
    }
    return STATUS_OK;
}

/* Recursive, as deep as the schema nests, which WIRE_DEPTH_MAX bounds whatever the bytes say. */
static enum status scan_message(struct scan *scan, const ProtobufCMessageDescriptor *message,
                                struct span bytes, unsigned depth)
{
    CHECK(depth < WIRE_DEPTH_MAX);
    CHECK(message->n_fields <= WIRE_FIELDS_MAX);
    struct reader in = reader_over(bytes.data, bytes.length);
    struct progress progress = {0};
    while (in.left > 0) {
        struct wire_item item;
        enum status status = read_item(&in, &item);
        if (status != STATUS_OK) {
            /* Only the frame itself can end early; inside, a length is wrong. */
            return status == STATUS_TRUNCATED && depth > 0 ? STATUS_MALFORMED : status;
        }
        const ProtobufCFieldDescriptor *field = NULL;
        status = scan_item(scan, message, &item, &progress, &field);
        if (status != STATUS_OK) {
            return status;
        }
        if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
            status = scan_message(scan, field->descriptor, item.payload, depth + 1);
            if (status != STATUS_OK) {
                return status;
            }
        }
    }
    return check_present(scan, message, progress.present);
}

/* A frame of another version may have any fields, so the version is looked at first. */
static enum status check_version(const struct wire_schema *schema, struct span frame)
{
    struct reader in = reader_over(frame.data, frame.length);
    struct wire_item item;
    enum status status = read_item(&in, &item);
    if (status != STATUS_OK) {
        return status;
    }
    if (item.field != 1 || item.type != PROTOBUF_C_WIRE_TYPE_VARINT) {
        return STATUS_MALFORMED;
    }
    return item.number == schema->version ? STATUS_OK : STATUS_VERSION;
}

enum status wire_scan(const struct wire_schema *schema, struct span frame, const char **ret_what)
{
    struct scan scan = {.schema = schema, .what = "version"};
    enum status status = STATUS_OVERSIZED;
    if (frame.length > LIMIT_FRAME_BYTES) {
        scan.what = "frame";
    } else {
        status = check_version(schema, frame);
    }
    if (status == STATUS_OK) {
        scan.what = NULL;
        status = scan_message(&scan, schema->frame, frame, 0);
    }
    if (ret_what != NULL) {
        *ret_what = status == STATUS_OK ? NULL : scan.what;
    }
    return status;
}

/* protobuf-c's allocator over an arena: nothing is freed before the arena is reset. */
struct budget {
    struct arena *arena;
    bool spent;
};

static void *budget_take(void *context, size_t size)
{
    struct budget *budget = context;
    void *taken = arena_take(budget->arena, size);
    if (taken == NULL) {
        budget->spent = true;
    }
    return taken;
}

static void budget_free(void *context, void *pointer)
{
    (void)context;
    (void)pointer;
}

/* A packing buffer that keeps nothing: it compares what is packed with what came in. */
struct comparison {
    ProtobufCBuffer base; /* first: protobuf-c hands it back */
    const uint8_t *next;
    size_t left;
    bool differs;
};

static void comparison_append(ProtobufCBuffer *buffer, size_t length, const uint8_t *data)
{
    struct comparison *comparison = (struct comparison *)buffer;
    if (comparison->differs || length > comparison->left ||
        (length > 0 && memcmp(comparison->next, data, length) != 0)) {
        comparison->differs = true;
        return;
    }
    comparison->next += length;
    comparison->left -= length;
}

static bool is_canonical(const ProtobufCMessage *message, struct span frame)
{
    struct comparison comparison = {
        .base = {.append = comparison_append},
        .next = frame.data,
        .left = frame.length,
        .differs = false,
    };
    (void)protobuf_c_message_pack_to_buffer(message, &comparison.base);
    return !comparison.differs && comparison.left == 0;
}

enum status wire_unpack(const struct wire_schema *schema, struct span frame, struct arena *arena,
                        ProtobufCMessage **ret_message)
{
    /* Structs and arrays of integers are placed in it. */
    CHECK((uintptr_t)arena->memory % 16 == 0);
    struct budget budget = {.arena = arena, .spent = false};
    ProtobufCAllocator allocator = {
        .alloc = budget_take,
        .free = budget_free,
        .allocator_data = &budget,
    };
    ProtobufCMessage *message =
        protobuf_c_message_unpack(schema->frame, &allocator, frame.length, frame.data);
    if (message == NULL) {
        return budget.spent ? STATUS_NO_MEMORY : STATUS_MALFORMED;
    }
    if (!is_canonical(message, frame)) {
        return STATUS_MALFORMED;
    }
    *ret_message = message;
    return STATUS_OK;
}

static bool find_item(struct span message, uint32_t field, struct wire_item *ret_item)
{
    struct reader in = reader_over(message.data, message.length);
    while (in.left > 0) {
        if (read_item(&in, ret_item) != STATUS_OK) {
            return false;
        }
        if (ret_item->field == field) {
            return true;
        }
    }
    return false;
}

bool wire_find(struct span message, uint32_t field, struct span *ret_payload)
{
    struct wire_item item;
    if (!find_item(message, field, &item) || item.type == PROTOBUF_C_WIRE_TYPE_VARINT) {
        return false;
    }
    *ret_payload = item.payload;
    return true;
}

bool wire_find_number(struct span message, uint32_t field, uint64_t *ret_value)
{
    struct wire_item item;
    if (!find_item(message, field, &item) || item.type != PROTOBUF_C_WIRE_TYPE_VARINT) {
        return false;
    }
    *ret_value = item.number;
    return true;
}

enum status wire_pack(const struct wire_schema *schema, const ProtobufCMessage *frame,
                      uint8_t *buffer, size_t capacity, size_t *ret_length)
{
    size_t length = protobuf_c_message_get_packed_size(frame);
    if (length > capacity || length > LIMIT_FRAME_BYTES) {
        return STATUS_OVERSIZED;
    }
    size_t packed = protobuf_c_message_pack(frame, buffer);
    CHECK(packed == length);
    enum status status = wire_scan(schema, (struct span){buffer, length}, NULL);
    if (status != STATUS_OK) {
        return status;
    }
    *ret_length = length;
    return STATUS_OK;
}

ProtobufCBinaryData wire_bytes(const void *data, size_t length)
{
    /* protobuf-c has one type for what it fills and what it packs, without const. */
    return (ProtobufCBinaryData){.len = length, .data = (uint8_t *)(uintptr_t)data};
}

bool wire_copy(const ProtobufCBinaryData *field, size_t length, void *ret_bytes)
{
    if (field->len != length) {
        return false;
    }
    if (length > 0) {
        memcpy(ret_bytes, field->data, length);
    }
    return true;
}
