/* action_words: bodies of kinds 5 to 12 in words (see action_body.h). */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "cli/action_body.h"
#include "cli/text.h"
#include "cli/words.h"
#include "ledger/genesis_rows.h"
#include "ledger/money.h"

struct words {
    const struct names *names;
    char *text;
    size_t capacity, used;
};

static void say(struct words *words, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct words *words, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int wrote =
        vsnprintf(words->text + words->used, words->capacity - words->used, format, arguments);
    va_end(arguments);
    size_t room = words->capacity - words->used - 1;
    words->used += wrote < 0 ? 0 : (size_t)wrote < room ? (size_t)wrote : room;
}

static enum status say_participant(struct words *words, struct span body)
{
    struct genesis_participant row;
    char roles[ROLES_TEXT_BYTES];
    enum status status = genesis_decode_participant(body, &row);
    if (status == STATUS_OK) {
        roles_format(row.roles, roles);
        say(words, "%u %.63s, %s, %u keys", row.number, row.name, roles, row.key_count);
        if (row.settles_through != 0) {
            say(words, ", settles through %s",
                names_participant_name(words->names, row.settles_through));
        }
    }
    return status;
}

static enum status say_keys(struct words *words, struct span body)
{
    static const char *const OPS[] = {"?", "add", "remove", "permissions of"};
    struct reader reader = reader_over(body.data, body.length);
    uint32_t number = reader_u32(&reader);
    uint32_t count = reader_u32(&reader);
    say(words, "%s:", names_participant_name(words->names, number));
    for (uint32_t i = 0; i < count && !reader.failed; i++) {
        uint8_t key[32];
        uint32_t op = reader_u32(&reader), key_no = reader_u32(&reader);
        uint32_t permissions = reader_u32(&reader);
        (void)reader_u32(&reader);
        reader_copy(&reader, key, sizeof key);
        say(words, "%s %s key %u%s%s", i > 0 ? ";" : "", OPS[op <= 3 ? op : 0], key_no,
            (permissions & PERMISSION_SUBMIT) != 0 ? " submit" : "",
            (permissions & PERMISSION_ACT) != 0 ? " act" : "");
    }
    return reader_done(&reader);
}

static enum status say_standing(struct words *words, struct span body)
{
    struct reader reader = reader_over(body.data, body.length);
    uint32_t number = reader_u32(&reader);
    const char *standing = standing_name(reader_u32(&reader));
    say(words, "%s: %s", names_participant_name(words->names, number),
        standing != NULL ? standing : "?");
    return reader_done(&reader);
}

static enum status say_limit(struct words *words, struct span body)
{
    struct genesis_limit row;
    char cap[MONEY_TEXT_BYTES];
    enum status status = genesis_decode_limit(body, &row);
    if (status == STATUS_OK) {
        say(words, "%s: cap %s %s, %scovered",
            names_participant_name(words->names, row.participant),
            money_format((struct difference){(__int128)row.cap},
                         names_exponent(words->names, row.currency), cap),
            names_currency_code(words->names, row.currency),
            (row.flags & LIMIT_COVERED) != 0 ? "" : "not ");
    }
    return status;
}

static enum status say_service(struct words *words, struct span body)
{
    struct reader reader = reader_over(body.data, body.length);
    uint32_t what = reader_u32(&reader);
    if (reader.failed || body.length < 8) {
        return STATUS_TRUNCATED;
    }
    struct span row = {(const uint8_t *)body.data + 8, body.length - 8};
    if (what == 2) {
        struct genesis_calendar *calendar = calloc(1, sizeof *calendar);
        CHECK(calendar != NULL);
        enum status status = genesis_decode_calendar(row, calendar);
        say(words, "calendar %u %.31s: %u holidays, %u workdays", calendar->number, calendar->name,
            calendar->holiday_count, calendar->workday_count);
        free(calendar);
        return status;
    }
    struct genesis_service service;
    enum status status = genesis_decode_service(row, &service);
    if (status == STATUS_OK) {
        say(words, "service %u %.31s in %s: %u cut-offs, settlement day %u, funding window %u s",
            service.number, service.name, names_currency_code(words->names, service.currency),
            service.cutoff_count, service.settlement_days, service.funding_window_s);
    }
    return status;
}

static enum status say_scheme(struct words *words, struct span body)
{
    struct genesis_scheme row;
    enum status status = genesis_decode_scheme(body, &row);
    if (status == STATUS_OK) {
        say(words, "scheme %u %.31s in service %u: %u confirmations, %u fee rules, chargeback %u s",
            row.number, row.name, row.service, row.confirmations, row.fee_rule_count,
            row.chargeback_s);
    }
    return status;
}

static enum status say_parameters(struct words *words, struct span body)
{
    struct parameters row;
    enum status status = genesis_decode_parameters(body, &row);
    if (status == STATUS_OK) {
        say(words, "queue_max %u, queue_quota %u, fund_share_ppm %u", row.queue_max,
            row.queue_quota, row.fund_share_ppm);
        for (unsigned i = 0; i < POLICY_COUNT; i++) {
            const char *kind = action_kind_name(row.policies[i].kind);
            say(words, ", %s %u keys", kind != NULL ? kind : "?", row.policies[i].approvals);
        }
    }
    return status;
}

static enum status say_cycle(struct words *words, struct span body)
{
    static const char *const OPS[] = {"?", "close", "extend", "confirm", "cancel"};
    struct reader reader = reader_over(body.data, body.length);
    uint16_t service = reader_u16(&reader), op = reader_u16(&reader);
    uint32_t number = reader_u32(&reader);
    uint64_t until_ms = reader_u64(&reader);
    struct hash nets_hash;
    reader_copy(&reader, nets_hash.bytes, HASH_BYTES);
    say(words, "%s cycle %u of service %u", OPS[op <= 4 ? op : 0], number, service);
    if (until_ms != 0) {
        char text[TIME_TEXT_BYTES];
        time_format(until_ms, text);
        say(words, " until %s", text);
    }
    if (op == 3) {
        char digits[2 * HASH_BYTES + 1];
        bytes_to_hex(nets_hash.bytes, HASH_BYTES, digits);
        say(words, ", nets_hash %s", digits);
    }
    return reader_done(&reader);
}

enum status action_body_words(struct span body, const struct names *names, char *ret_text,
                              size_t capacity)
{
    static enum status (*const SAYERS[])(struct words *, struct span) = {
        say_participant, say_keys,   say_standing,   say_limit,
        say_service,     say_scheme, say_parameters, say_cycle,
    };
    struct words words = {.names = names, .text = ret_text, .capacity = capacity};
    struct action action;
    ret_text[0] = '\0';
    enum status status = action_decode(body, &action);
    if (status != STATUS_OK || action.kind < ACTION_PARTICIPANT || action.kind > ACTION_CYCLE) {
        return STATUS_MALFORMED;
    }
    struct span rest = {(const uint8_t *)body.data + ACTION_HEAD_BYTES,
                        body.length - ACTION_HEAD_BYTES};
    return SAYERS[action.kind - ACTION_PARTICIPANT](&words, rest);
}
