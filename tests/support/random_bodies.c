/* random_bodies: see random_bodies.h. */
#include "tests/support/random_bodies.h"

#include <stdio.h>
#include <string.h>

#include "ledger/cycle.h"
#include "ledger/genesis_rows.h"
#include "tests/support/ledger_fixture.h"

#define DAY_MS 86400000ull
#define KEY_ADD 1u
#define KEY_REMOVE 2u
#define KEY_PERMISSIONS 3u
#define CYCLE_EXTEND 2u
#define CYCLE_CONFIRM 3u

static uint64_t below(struct prng *prng, uint64_t bound)
{
    return prng_below(prng, bound);
}

static bool one_in(struct prng *prng, uint64_t count)
{
    return below(prng, count) == 0;
}

static uint64_t one_of(struct prng *prng, const uint64_t *values, size_t count)
{
    return values[below(prng, count)];
}
#define ONE_OF(prng, ...)                                                                          \
    one_of((prng), (const uint64_t[]){__VA_ARGS__},                                                \
           sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

static void fill(struct prng *prng, void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        ((uint8_t *)bytes)[i] = (uint8_t)below(prng, 256);
    }
}

static void rename_as(struct prng *prng, char *name, size_t size, const char *what)
{
    memset(name, 0, size);
    (void)snprintf(name, size, "%s %u", what, (unsigned)below(prng, 1000));
    if (one_in(prng, 20)) {
        name[below(prng, 4)] = (char)ONE_OF(prng, 0, 0x1f, 0x7f, 0x20);
    }
}

static const struct genesis_participant *somebody(struct prng *prng, const struct genesis *now)
{
    return &now->participants[below(prng, now->participant_count)];
}

/* A participant's number; one in twenty is nobody's. */
static uint32_t number_of_somebody(struct prng *prng, const struct genesis *now)
{
    return one_in(prng, 20) ? (uint32_t)below(prng, 100) : somebody(prng, now)->number;
}

/* ---- Participants, keys, standing, limits ---- */

/* One of a few, so that a key comes back under another number or participant; now and then one that
   somebody has. */
static void draw_key(struct prng *prng, const struct genesis *now, struct public_key *ret_key)
{
    const struct genesis_participant *other = somebody(prng, now);
    *ret_key = (struct public_key){{0x5a, (uint8_t)(1 + below(prng, 100))}};
    if (one_in(prng, 8) && other->key_count > 0) {
        *ret_key = other->keys[below(prng, other->key_count)].key;
    }
}

static struct genesis_participant newcomer(struct prng *prng, const struct genesis *now)
{
    uint32_t last = now->participants[now->participant_count - 1].number;
    struct genesis_participant row = {
        .number = last + (uint32_t)ONE_OF(prng, 1, 1, 1, 2),
        .roles = (uint32_t)ONE_OF(prng, ROLE_BANK, ROLE_BANK | ROLE_OPERATOR, ROLE_FINTECH,
                                  ROLE_NETWORK, ROLE_AGENT, ROLE_AUDITOR),
        .status = STANDING_ACTIVE,
        .key_count = (uint32_t)below(prng, 12) == 0 ? 0 : 1 + (uint32_t)below(prng, 2)};
    rename_as(prng, row.name, sizeof row.name, "newcomer");
    for (uint32_t i = 0; i < row.key_count; i++) {
        row.keys[i].key_no = 1 + 3 * i;
        row.keys[i].permissions = (uint32_t)ONE_OF(prng, 3, 3, 3, 3, 2, 1);
        draw_key(prng, now, &row.keys[i].key);
    }
    return row;
}

static void write_participant(struct prng *prng, const struct genesis *now, struct writer *writer)
{
    struct genesis_participant row = *somebody(prng, now);
    row.key_count = 0;
    switch (below(prng, 6)) {
    case 0:
        row = newcomer(prng, now);
        break;
    case 1:
        row.roles ^= 1u << below(prng, 9);
        break;
    case 2:
    case 3:
        row.settles_through = one_in(prng, 2) ? 0 : number_of_somebody(prng, now);
        break;
    case 4:
        rename_as(prng, row.name, sizeof row.name, "bank");
        break;
    default:
        fill(prng, &row.transport_key, sizeof row.transport_key);
        if (one_in(prng, 6)) {
            row.transport_key = somebody(prng, now)->transport_key;
        }
        break;
    }
    switch (below(prng, 40)) {
    case 0:
        row.status = (uint32_t)below(prng, 4);
        break;
    case 1:
        row.key_count = 1;
        break;
    case 2:
        row.number = (uint32_t)below(prng, 12);
        break;
    case 3:
        row.roles = 0;
        break;
    case 4:
        rename_as(prng, row.bic, sizeof row.bic, "BIC");
        break;
    case 5:
        row.keys[0].permissions = (uint32_t)below(prng, 8);
        break;
    default:
        break;
    }
    genesis_encode_participant(&row, writer);
}

static void write_key_op(struct prng *prng, const struct genesis *now,
                         const struct genesis_participant *row, uint32_t at, struct writer *writer)
{
    uint32_t highest = row->key_count == 0 ? 0 : row->keys[row->key_count - 1].key_no;
    uint32_t key_no = row->key_count == 0 ? 1 : row->keys[below(prng, row->key_count)].key_no;
    uint32_t op = (uint32_t)ONE_OF(prng, KEY_ADD, KEY_ADD, KEY_ADD, KEY_ADD, KEY_ADD, KEY_REMOVE,
                                   KEY_PERMISSIONS);
    uint32_t permissions = 0;
    struct public_key key = {{0}};
    if (op == KEY_ADD) {
        key_no = one_in(prng, 12) ? key_no : highest + 1 + at;
        draw_key(prng, now, &key);
    }
    if (op != KEY_REMOVE || one_in(prng, 30)) {
        permissions = (uint32_t)ONE_OF(prng, 3, 3, 3, 3, 3, 3, 3, 2, 1, 0, 4);
    }
    writer_u32(writer, one_in(prng, 40) ? (uint32_t)below(prng, 6) : op);
    writer_u32(writer, one_in(prng, 30) ? (uint32_t)ONE_OF(prng, 0, 9, 0x80000000) : key_no);
    writer_u32(writer, permissions);
    writer_u32(writer, one_in(prng, 60) ? 1 : 0);
    writer_copy(writer, &key, sizeof key);
}

static void write_keys(struct prng *prng, const struct genesis *now, struct writer *writer)
{
    const struct genesis_participant *row = somebody(prng, now);
    uint32_t count = one_in(prng, 12) ? 1 + (uint32_t)below(prng, 16) : 1;
    writer_u32(writer, one_in(prng, 20) ? (uint32_t)below(prng, 100) : row->number);
    writer_u32(writer, one_in(prng, 40) ? (uint32_t)below(prng, 18) : count);
    for (uint32_t i = 0; i < count; i++) {
        write_key_op(prng, now, row, i, writer);
    }
}

static void write_standing(struct prng *prng, const struct genesis *now, struct writer *writer)
{
    uint32_t suspends = one_in(prng, 6) ? STANDING_SUSPENDED : STANDING_ACTIVE;
    writer_u32(writer, number_of_somebody(prng, now));
    writer_u32(writer, one_in(prng, 30) ? (uint32_t)below(prng, 4) : suspends);
}

static void write_limit(struct prng *prng, const struct genesis *now, struct writer *writer)
{
    const struct genesis_limit row = {
        .participant = number_of_somebody(prng, now),
        .currency = (uint16_t)(one_in(prng, 12) ? ONE_OF(prng, 840, 978, 0) : FIXTURE_CNY),
        .flags = (uint16_t)(one_in(prng, 30) ? below(prng, 4) : below(prng, 2)),
        .cap = ONE_OF(prng, 0, 1000, 5000, 20000, 50000, 1000000000, 1000000000000000000)};
    genesis_encode_limit(&row, writer);
}

/* ---- Services, calendars, schemes, parameters ---- */

static void write_service(struct prng *prng, const struct genesis *now, struct writer *writer)
{
    struct genesis_service row = now->services[below(prng, now->service_count)];
    if (one_in(prng, 3)) {
        row.number =
            (uint16_t)(now->services[now->service_count - 1].number + ONE_OF(prng, 1, 1, 1, 2, 0));
        row.mode = (uint16_t)ONE_OF(prng, 1, 1, 1, 2, 3);
        row.settlement = (uint16_t)ONE_OF(prng, 1, 1, 1, 2, 2, 0);
        row.currency =
            (uint16_t)ONE_OF(prng, FIXTURE_CNY, FIXTURE_CNY, FIXTURE_CNY, FIXTURE_USD, 978);
    }
    rename_as(prng, row.name, sizeof row.name, "service");
    row.funding_window_s = (uint32_t)ONE_OF(prng, 0, 5, 60, 3600);
    row.cutoff_count = (uint32_t)ONE_OF(prng, 0, 1, 2, 8, 16);
    for (uint32_t i = 0; i < row.cutoff_count; i++) {
        row.cutoffs[i] = (uint16_t)(i * 90 + below(prng, 90));
    }
    row.calendar = (uint16_t)ONE_OF(prng, 0, 0, 1, 1, 2, 3);
    row.settlement_days = (uint16_t)ONE_OF(prng, 0, 0, 0, 1, 2);
    row.settle_minute = (uint16_t)below(prng, 1440);
    row.flags = (uint16_t)below(prng, 2);
    switch (below(prng, 24)) {
    case 0:
        row.settlement_days = (uint16_t)ONE_OF(prng, 30, 31);
        break;
    case 1:
        row.settle_minute = 1440;
        break;
    case 2:
        row.cutoffs[0] = (uint16_t)ONE_OF(prng, 1439, 1440, 95);
        row.cutoff_count += row.cutoff_count == 0;
        break;
    case 3:
        row.flags = 2;
        break;
    case 4:
        row.mode ^= 3;
        break;
    default:
        break;
    }
    genesis_encode_service(&row, writer);
}

static void write_calendar(struct prng *prng, const struct genesis *now, struct writer *writer)
{
    struct genesis_calendar row = {.number = 1};
    if (now->calendar_count > 0) {
        row = now->calendars[below(prng, now->calendar_count)];
        if (one_in(prng, 2)) {
            row.number = (uint16_t)(now->calendars[now->calendar_count - 1].number + 1);
        }
    }
    rename_as(prng, row.name, sizeof row.name, "days");
    row.weekend =
        (uint16_t)ONE_OF(prng, 0x60, 0x60, 0x40, 0, 0x7e, below(prng, 128), below(prng, 160));
    row.holiday_count = (uint32_t)below(prng, 4);
    row.workday_count = (uint32_t)below(prng, 3);
    for (uint32_t i = 0; i < row.holiday_count; i++) {
        row.holidays[i] = 20260920 + 3 * i + (uint32_t)below(prng, 3);
    }
    for (uint32_t i = 0; i < row.workday_count; i++) {
        row.workdays[i] = 20260925 + 3 * i + (uint32_t)below(prng, one_in(prng, 9) ? 8 : 3);
    }
    genesis_encode_calendar(&row, writer);
}

static void draw_rule(struct prng *prng, struct fee_rule *rule)
{
    *rule = (struct fee_rule){.from_date = (uint32_t)ONE_OF(prng, 20200101, FIXTURE_DATE),
                              .to_date = (uint32_t)ONE_OF(prng, 0, FIXTURE_DATE, 20300101),
                              .mcc_from = (uint16_t)ONE_OF(prng, 0, 5000),
                              .mcc_to = (uint16_t)ONE_OF(prng, 9999, 9999, 5411, 10000),
                              .which = (uint16_t)ONE_OF(prng, 1, 1, 1, 1, 2, 3),
                              .rounding = (uint16_t)(1 + below(prng, 4)),
                              .rate_ppm = (int32_t)below(prng, 20000) - 5000,
                              .minimum = below(prng, 3)};
    rule->cap = one_in(prng, 2) ? rule->minimum + below(prng, 20) : 0;
}

static void draw_disputes(struct prng *prng, struct genesis_scheme *row)
{
    row->chargeback_s = (uint32_t)ONE_OF(prng, 0, 3, 6000, 100000, 100000, 100000);
    row->represent_s = (uint32_t)ONE_OF(prng, 0, 3, 5000, 5000, 5000);
    row->answer_s = (uint32_t)ONE_OF(prng, 0, 3, 5000, 5000);
    row->pre_arbitrate_s = (uint32_t)ONE_OF(prng, 0, 3, 5000, 5000, 5000);
    row->rule_s = (uint32_t)ONE_OF(prng, 0, 3, 5000, 5000);
}

static void write_scheme(struct prng *prng, const struct genesis *now, struct writer *writer)
{
    struct genesis_scheme row = now->schemes[below(prng, now->scheme_count)];
    if (one_in(prng, 3)) {
        row.number =
            (uint16_t)(now->schemes[now->scheme_count - 1].number + ONE_OF(prng, 1, 1, 1, 3));
        if (one_in(prng, 2)) {
            row.service = now->services[below(prng, now->service_count)].number;
        }
        row.network = (uint32_t)ONE_OF(prng, 0, FIXTURE_NETWORK, FIXTURE_NETWORK, 7);
    }
    switch (below(prng, 9)) {
    case 0:
        row.confirmations = (uint16_t)(1 + below(prng, one_in(prng, 9) ? 3 : 2));
        break;
    case 1:
        row.submitters = (uint16_t)ONE_OF(prng, 1, 2, 3, 3, 7, 7, 0, 8);
        break;
    case 2:
        row.match_timeout_s = (uint32_t)ONE_OF(prng, 0, 5, 60, 600);
        row.hold_timeout_s = (uint32_t)ONE_OF(prng, 0, 5, 60, 600);
        break;
    case 3:
        row.flags = (uint32_t)ONE_OF(prng, 0, 1, 2, 2, 3, 4);
        break;
    case 4:
    case 5:
        draw_disputes(prng, &row);
        break;
    case 6:
        row.fee_rule_count = (uint32_t)below(prng, 5);
        for (uint32_t i = 0; i < row.fee_rule_count; i++) {
            draw_rule(prng, &row.fee_rules[i]);
        }
        break;
    case 7:
        row.network = one_in(prng, 9) ? number_of_somebody(prng, now) : row.network;
        break;
    default:
        row.service = (uint16_t)(one_in(prng, 9) ? ONE_OF(prng, 0, 1, 2, 99) : row.service);
        break;
    }
    rename_as(prng, row.name, sizeof row.name, "scheme");
    genesis_encode_scheme(&row, writer);
}

static void write_parameters(struct prng *prng, const struct genesis *now, struct writer *writer)
{
    struct parameters row = now->parameters;
    row.queue_max = 1 + (uint32_t)below(prng, 9);
    row.queue_quota = 1 + (uint32_t)below(prng, row.queue_max + (one_in(prng, 9) ? 1 : 0));
    row.fund_share_ppm = (uint32_t)ONE_OF(prng, 0, 333333, 1000000, below(prng, 1000002));
    for (unsigned changes = (unsigned)below(prng, 3); changes > 0; changes--) {
        struct action_policy *policy = &row.policies[below(prng, POLICY_COUNT)];
        policy->approvals = (uint16_t)ONE_OF(prng, 1, 2, 2, 3, 3, 4, one_in(prng, 4) ? 0 : 2);
        policy->proposers = (uint32_t)ONE_OF(prng, ROLE_OPERATOR, ROLE_OPERATOR | ROLE_BANK, 255,
                                             ROLE_BANK, ROLE_INSURER, 256);
        policy->approvers = (uint32_t)ONE_OF(prng, ROLE_OPERATOR | ROLE_BANK, 255, ROLE_BANK,
                                             ROLE_OPERATOR, ROLE_AUDITOR, 0);
        policy->lapse_s = (uint32_t)ONE_OF(prng, 60, 600, 86400, one_in(prng, 4) ? 59 : 61);
    }
    genesis_encode_parameters(&row, writer);
}

/* ---- Cycles ---- */

static void write_cycle(struct prng *prng, const struct ledger *ledger, struct writer *writer)
{
    const struct genesis *now = &ledger->refdata.now;
    const struct hash none = {{0}};
    uint32_t at = (uint32_t)below(prng, now->service_count);
    uint16_t service = now->services[at].number;
    uint32_t number = (uint32_t)below(prng, 4);
    if (now->services[at].mode == SERVICE_DEFERRED && !one_in(prng, 12)) {
        uint32_t open = ledger->cycles.rows[ledger->cycles.open[at]].number;
        uint32_t back = one_in(prng, 2) ? 0 : (uint32_t)below(prng, 4);
        number = open > back ? open - back : open;
    }
    uint32_t slot = cycle_slot(ledger, service, number);
    const struct cycle_row *row = slot == REGISTRY_NONE ? NULL : &ledger->cycles.rows[slot];
    bool closed = row != NULL && row->state != CYCLE_OPEN;
    uint16_t op = (uint16_t)(closed ? ONE_OF(prng, 3, 3, 4) : 1 + below(prng, 2));
    if (one_in(prng, 20)) {
        op = (uint16_t)below(prng, 6);
    }
    uint64_t until_ms = op == CYCLE_EXTEND ? 1 : 0;
    if (op == CYCLE_EXTEND && row != NULL) {
        until_ms = row->cutoff_ms + ONE_OF(prng, 60000, 60000, 3600000, DAY_MS, DAY_MS + 1, 0);
    }
    bool names_nets = op == CYCLE_CONFIRM && closed && !one_in(prng, 12);
    writer_u16(writer, one_in(prng, 30) ? 99 : service);
    writer_u16(writer, op);
    writer_u32(writer, number);
    writer_u64(writer, one_in(prng, 30) ? until_ms ^ 1 : until_ms);
    writer_copy(writer, names_nets ? &row->nets_hash : &none, HASH_BYTES);
}

void random_body(struct prng *prng, const struct ledger *ledger, enum action_kind kind,
                 struct writer *writer)
{
    const struct genesis *now = &ledger->refdata.now;
    if (kind == ACTION_PARTICIPANT) {
        write_participant(prng, now, writer);
    } else if (kind == ACTION_KEYS) {
        write_keys(prng, now, writer);
    } else if (kind == ACTION_STANDING) {
        write_standing(prng, now, writer);
    } else if (kind == ACTION_LIMIT) {
        write_limit(prng, now, writer);
    } else if (kind == ACTION_SERVICE) {
        bool calendar = one_in(prng, 4);
        writer_u32(writer, one_in(prng, 40) ? (uint32_t)below(prng, 4) : calendar ? 2 : 1);
        writer_u32(writer, one_in(prng, 60) ? 1 : 0);
        if (calendar) {
            write_calendar(prng, now, writer);
        } else {
            write_service(prng, now, writer);
        }
    } else if (kind == ACTION_SCHEME) {
        write_scheme(prng, now, writer);
    } else if (kind == ACTION_PARAMETERS) {
        write_parameters(prng, now, writer);
    } else {
        write_cycle(prng, ledger, writer);
    }
}
