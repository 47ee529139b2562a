/* random_day: see random_day.h. */
#include "tests/support/random_day.h"

#include <string.h>

#include "base/check.h"
#include "tests/support/ledger_acts.h"

#define DISPUTES 6u
#define FIXTURE_SCHEMES 7u /* of genesis */

static uint64_t below(struct random_day *day, uint64_t bound)
{
    return prng_below(&day->prng, bound);
}

static bool one_in(struct random_day *day, uint64_t count)
{
    return below(day, count) == 0;
}

static uint64_t one_of(struct random_day *day, const uint64_t *values, size_t count)
{
    return values[below(day, count)];
}
#define ONE_OF(day, ...)                                                                           \
    one_of((day), (const uint64_t[]){__VA_ARGS__},                                                 \
           sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

static void random_limits(struct random_day *day)
{
    struct ledger_fixture *f = day->fixture;
    f->genesis.limit_count = 0;
    for (uint32_t number = 1; number <= 7; number++) {
        if (one_in(day, 8)) {
            continue;
        }
        f->limits[f->genesis.limit_count++] =
            (struct genesis_limit){.participant = number,
                                   .currency = FIXTURE_CNY,
                                   .flags = one_in(day, 4) ? LIMIT_COVERED : 0,
                                   .cap = ONE_OF(day, 1000, 5000, 50000, 1000000000)};
    }
    uint32_t sponsor = 1 + (uint32_t)below(day, 7);
    for (uint32_t number = 1; number <= 7; number++) {
        f->participants[number - 1].settles_through =
            number != sponsor && one_in(day, 4) ? sponsor : 0;
    }
}

static void random_rules(struct random_day *day, struct genesis_scheme *scheme)
{
    scheme->fee_rule_count = (uint32_t)below(day, 4);
    for (uint32_t i = 0; i < scheme->fee_rule_count; i++) {
        struct fee_rule *rule = &scheme->fee_rules[i];
        *rule = (struct fee_rule){
            .from_date = (uint32_t)ONE_OF(day, 20200101, FIXTURE_DATE),
            .to_date = (uint32_t)ONE_OF(day, 0, FIXTURE_DATE),
            .mcc_from = (uint16_t)ONE_OF(day, 0, 5000),
            .mcc_to = 9999,
            .which = (uint16_t)(1 + below(day, scheme->network == 0 ? 1 : 3)),
            .rounding = (uint16_t)(1 + below(day, 4)),
            .rate_ppm = (int32_t)below(day, 20000) - 5000,
            .minimum = below(day, 3),
        };
        rule->cap = one_in(day, 2) ? rule->minimum + below(day, 20) : 0;
    }
}

static void random_schemes(struct random_day *day)
{
    struct ledger_fixture *f = day->fixture;
    for (uint32_t i = 0; i < f->genesis.scheme_count; i++) {
        struct genesis_scheme *scheme = &f->schemes[i];
        bool gross = scheme->service == 2;
        scheme->hold_timeout_s = (uint32_t)ONE_OF(day, 0, 5, 60, 600);
        scheme->match_timeout_s = (uint32_t)ONE_OF(day, 0, 0, 5, 60, 600);
        if (!gross && !one_in(day, 4)) {
            scheme->chargeback_s = (uint32_t)ONE_OF(day, 3, 6000, 100000);
            scheme->represent_s = (uint32_t)ONE_OF(day, 0, 3, 5000, 5000, 5000, 5000);
            scheme->answer_s = (uint32_t)ONE_OF(day, 3, 5000, 5000);
            scheme->rule_s = (uint32_t)ONE_OF(day, 0, 3, 5000);
            bool more = scheme->represent_s != 0 && scheme->network != 0;
            scheme->pre_arbitrate_s = more ? (uint32_t)ONE_OF(day, 0, 3, 5000, 5000) : 0;
        }
        if (!gross && scheme->network != 0 && one_in(day, 2)) {
            scheme->flags |= SCHEME_FEE_MANDATE;
            scheme->submitters |= SIDE_NETWORK;
        }
        if (one_in(day, 9)) {
            scheme->flags |= SCHEME_FEES_BINDING;
        }
        random_rules(day, scheme);
    }
}

static void random_services(struct random_day *day)
{
    struct ledger_fixture *f = day->fixture;
    day->calendar = (struct genesis_calendar){.number = 1,
                                              .weekend = 0x60,
                                              .name = "holidays",
                                              .holiday_count = 2,
                                              .holidays = {20260923, 20260924},
                                              .workday_count = 1,
                                              .workdays = {20260926}};
    f->genesis.calendars = &day->calendar;
    f->genesis.calendar_count = 1;
    for (uint32_t i = 0; i < f->genesis.service_count; i++) {
        struct genesis_service *service = &f->services[i];
        if (service->mode == SERVICE_GROSS) {
            continue;
        }
        service->calendar = (uint16_t)below(day, 2);
        service->settlement_days = (uint16_t)ONE_OF(day, 0, 0, 0, 1, 2);
        service->settle_minute = (uint16_t)below(day, 1440);
        service->flags = service->calendar != 0 && one_in(day, 2) ? SERVICE_BUSINESS_DAYS : 0;
        service->funding_window_s = (uint32_t)ONE_OF(day, 0, 5, 3600);
        service->cutoff_count = (uint32_t)ONE_OF(day, 0, 2, 8, 16);
        for (uint32_t at = 0; at < service->cutoff_count; at++) {
            service->cutoffs[at] = (uint16_t)(at * 90 + below(day, 90));
        }
    }
}

void random_day_prepare(struct random_day *day, uint64_t seed)
{
    memset(day, 0, sizeof *day);
    day->prng = prng_seeded(seed);
    day->fixture = fixture_new();
    struct ledger_fixture *f = day->fixture;
    f->genesis.block_records = 256;
    f->genesis.created_ms = FIXTURE_CREATED_MS + below(day, 7ull * 86400000);
    f->genesis.parameters.queue_max = 1 + (uint32_t)below(day, 8);
    f->genesis.parameters.queue_quota = 1 + (uint32_t)below(day, f->genesis.parameters.queue_max);
    f->genesis.parameters.fund_share_ppm = (uint32_t)ONE_OF(day, 0, 333333, 1000000);
    random_limits(day);
    random_services(day);
    random_schemes(day);
}

void random_day_begin(struct random_day *day, uint64_t seed)
{
    random_day_prepare(day, seed);
    fixture_start(day->fixture);
}

void random_day_end(struct random_day *day)
{
    fixture_free(day->fixture);
}

/* As things stand: actions may have changed them. */
static const struct genesis *now_of(const struct random_day *day)
{
    return &day->fixture->ledger->refdata.now;
}

static uint32_t anyone(struct random_day *day)
{
    const struct genesis *now = now_of(day);
    return now->participants[below(day, now->participant_count)].number;
}

static int64_t small_fee(struct random_day *day)
{
    return one_in(day, 2) ? 0 : (int64_t)below(day, 20) - 5;
}

static const struct genesis_scheme *scheme_of(const struct random_day *day, uint16_t number)
{
    return genesis_scheme(now_of(day), number);
}

/* A record that begins something, filed by that participant. */
static struct record beginning(struct random_day *day, uint32_t by)
{
    static const uint16_t OTHERS[] = {RECORD_DEFUND, RECORD_PLEDGE, RECORD_UNPLEDGE,
                                      RECORD_CONTRIBUTE};
    struct record r = fixture_clear(day->fixture, by, anyone(day), 1 + below(day, 1000));
    r.mcc = (uint16_t)ONE_OF(day, 0, 5411);
    r.interchange = small_fee(day);
    r.scheme = (uint16_t)ONE_OF(day, 10, 11, 12, 12, 12, 30);
    uint64_t dice = below(day, 100);
    if (one_in(day, 2)) {
        r.match_key = fixture_id(1 + below(day, 500));
    }
    if (by == FIXTURE_AGENT && dice < 70) {
        r = fixture_fund(day->fixture, anyone(day), 1 + below(day, 20000));
        return r;
    }
    if (dice < 30) {
        r.kind = RECORD_PAY;
        r.scheme = (uint16_t)ONE_OF(day, 20, 20, 20, 21);
        r.flags = r.scheme == 20 && !one_in(day, 4) ? RECORD_QUEUE : 0;
        r.amount *= one_in(day, 3) ? 30 : 1;
        r.priority = r.flags != 0 ? (uint8_t)below(day, 3) : 0;
    } else if (dice < 40) {
        r.kind = RECORD_HOLD;
    } else if (dice < 44) {
        r.kind = RECORD_FEE;
        r.interchange = 0;
    } else if (dice < 56) {
        r = fixture_pay(day->fixture, by, 0, 1 + below(day, 500));
        r.kind = OTHERS[below(day, 4)];
        r.scheme = 0;
        return r;
    }
    const struct genesis *now = now_of(day);
    if (now->scheme_count > FIXTURE_SCHEMES && one_in(day, 4)) {
        uint64_t later = below(day, now->scheme_count - FIXTURE_SCHEMES);
        r.scheme = now->schemes[FIXTURE_SCHEMES + later].number;
    }
    if (scheme_of(day, r.scheme)->network != 0 && r.kind != RECORD_FEE) {
        r.payer_fee = small_fee(day);
        r.payee_fee = small_fee(day);
    }
    if (one_in(day, 4) && r.kind != RECORD_FEE) {
        r.timeout_s = 1 + (uint32_t)below(day, ONE_OF(day, 5, 5, 5, 5, 70, 700));
    }
    if (one_in(day, 2) && r.kind != RECORD_PAY) { /* filed by the payee, or by the network */
        r.payee = by;
        r.payer = anyone(day);
    }
    while (r.payee == r.payer) {
        *(r.payee == by ? &r.payer : &r.payee) = anyone(day);
    }
    return r;
}

/* The step that a dispute awaits, or any. */
static uint16_t step_for(struct random_day *day, uint32_t at)
{
    unsigned state =
        one_in(day, 4) ? 0 : acts_state(day->fixture, day->recent_by[at], &day->recent[at]);
    if (state == LIFE_CHARGED_BACK && !one_in(day, 4)) {
        return RECORD_REPRESENT;
    }
    if (state == LIFE_REPRESENTED) {
        return RECORD_PRE_ARBITRATE;
    }
    if (state == LIFE_PRE_ARBITRATED && !one_in(day, 4)) {
        return RECORD_DECLINE;
    }
    if (state == LIFE_IN_ARBITRATION) {
        return RECORD_RULE;
    }
    return (uint16_t)ONE_OF(day, RECORD_REPRESENT, RECORD_PRE_ARBITRATE, RECORD_DECLINE,
                            RECORD_RULE, RECORD_ACCEPT, RECORD_WITHDRAW);
}

/* What may be done to a record that was filed. */
static uint16_t act_for(struct random_day *day, uint32_t at)
{
    switch (day->recent[at].kind) {
    case RECORD_CLEAR:
    case RECORD_CAPTURE:
        return (uint16_t)ONE_OF(day, RECORD_AFFIRM, RECORD_REJECT, RECORD_REVERSE, RECORD_REVERSE,
                                RECORD_REFUND, RECORD_CHARGEBACK, RECORD_CHARGEBACK,
                                RECORD_CHARGEBACK);
    case RECORD_HOLD:
        return (uint16_t)ONE_OF(day, RECORD_CAPTURE, RECORD_CAPTURE, RECORD_RELEASE);
    case RECORD_PAY:
        return (uint16_t)ONE_OF(day, RECORD_AFFIRM, RECORD_REJECT, RECORD_REVERSE, RECORD_REFUND,
                                RECORD_CANCEL, RECORD_REPRIORITISE);
    case RECORD_CHARGEBACK:
        return step_for(day, at);
    case RECORD_REVERSE:
    case RECORD_DEFUND:
    case RECORD_UNPLEDGE:
        return (uint16_t)ONE_OF(day, RECORD_AFFIRM, RECORD_REJECT);
    }
    return (uint16_t)ONE_OF(day, RECORD_AFFIRM, RECORD_REVERSE, RECORD_RELEASE);
}

/* Whether that participant is a side that may file such an act. */
static bool may_act(const struct random_day *day, const struct record *seen, uint16_t kind,
                    uint32_t by)
{
    const struct genesis_scheme *scheme = scheme_of(day, seen->scheme);
    bool network = scheme != NULL && scheme->network == by;
    switch (kind) {
    case RECORD_REFUND:
    case RECORD_CAPTURE:
    case RECORD_RELEASE:
    case RECORD_REVERSE:
        return seen->payee == by || network;
    case RECORD_CHARGEBACK:
    case RECORD_PRE_ARBITRATE:
    case RECORD_WITHDRAW:
    case RECORD_CANCEL:
    case RECORD_REPRIORITISE:
        return seen->payer == by;
    case RECORD_ACCEPT:
    case RECORD_REPRESENT:
    case RECORD_DECLINE:
        return seen->payee == by;
    case RECORD_RULE:
        return network;
    }
    return seen->payee == by || seen->payer == by || network || seen->scheme == 0;
}

static struct record act(struct random_day *day, uint32_t by)
{
    uint32_t at = 0;
    uint16_t kind = 0;
    bool dispute = one_in(day, 2);
    bool begins = one_in(day, 5);
    for (unsigned tries = 0; tries < 60; tries++) { /* rather one that the filer may file */
        at = (uint32_t)below(day, dispute && day->recent_count > DISPUTES ? DISPUTES
                                                                          : day->recent_count);
        if (day->recent[at].kind == RECORD_FUND) {
            continue;
        }
        bool clear = day->recent[at].kind == RECORD_CLEAR || day->recent[at].kind == RECORD_CAPTURE;
        kind = begins && clear ? RECORD_CHARGEBACK : act_for(day, at);
        if (may_act(day, &day->recent[at], kind, by)) {
            break;
        }
    }
    const struct record *original = &day->recent[at];
    struct record r = fixture_refund(day->fixture, original, day->recent_by[at], 0);
    r.kind = one_in(day, 30) ? (uint16_t)(1 + below(day, 24)) : kind;
    if (one_in(day, 3)) {
        r.match_key = original->match_key;
    }
    if (r.kind == RECORD_REFUND || r.kind == RECORD_CAPTURE || r.kind == RECORD_CHARGEBACK) {
        r.amount = one_in(day, 2) ? original->amount : 1 + below(day, original->amount + 1) * 3 / 4;
    }
    if (r.kind == RECORD_REFUND || r.kind == RECORD_CAPTURE) {
        const struct genesis_scheme *scheme = scheme_of(day, r.scheme);
        bool network = scheme != NULL && scheme->network != 0;
        r.interchange = small_fee(day);
        r.payer_fee = network ? small_fee(day) : 0;
        r.payee_fee = network ? small_fee(day) : 0;
    }
    if (r.kind == RECORD_CAPTURE || r.kind == RECORD_RULE) {
        r.flags = one_in(day, 2) ? 0 : (r.kind == RECORD_RULE ? RECORD_OUTCOME : RECORD_FINAL);
    }
    if (r.kind == RECORD_CANCEL || r.kind == RECORD_REPRIORITISE) {
        r.ref_participant = 0;
        r.priority = r.kind == RECORD_REPRIORITISE ? (uint8_t)below(day, 3) : 0;
    }
    return r;
}

/* Another side's half of a transaction that was filed, or the same again with a difference. */
static struct record half(struct random_day *day, uint32_t by)
{
    uint32_t at = (uint32_t)below(day, day->recent_count);
    struct record r = day->recent[at];
    for (unsigned tries = 0; tries < 40; tries++) {
        bool keyed = r.kind == RECORD_CLEAR && (r.match_key.bytes[6] | r.match_key.bytes[7]) != 0;
        bool awaited = day->recent_by[at] != by && r.scheme == 12;
        if (keyed && awaited && (r.payer == by || r.payee == by || by == FIXTURE_NETWORK)) {
            break;
        }
        at = (uint32_t)below(day, day->recent_count);
        r = day->recent[at];
    }
    r.id = fixture_id(++day->fixture->next_id);
    r.flags = 0;
    switch (below(day, 16)) {
    case 0:
        r.amount++;
        break;
    case 1:
        r.interchange++;
        break;
    case 2:
        r.business_date = FIXTURE_DATE + 1;
        break;
    case 3:
        r.payee = anyone(day);
        break;
    case 4:
        r.payer = anyone(day);
        break;
    case 5:
        r.mcc = 5411;
        break;
    case 6:
        r.payee_fee++;
        break;
    default:
        break;
    }
    return r;
}

/* One field of a record becomes something else. */
static void spoil(struct random_day *day, struct record *r)
{
    switch (below(day, 22)) {
    case 0:
        r->id = fixture_id(one_in(day, 4) ? 0 : 1 + below(day, day->fixture->next_id));
        break;
    case 1:
        r->kind = (uint16_t)below(day, 27);
        break;
    case 2:
        r->reserved[below(day, 14)] = 1;
        break;
    case 3:
        r->flags ^= (uint8_t)(1u << below(day, 5));
        break;
    case 4:
        r->amount = ONE_OF(day, 0, 1000000000000000000, 1, 999999999999999999);
        break;
    case 5:
        r->interchange = (int64_t)ONE_OF(day, 1000000000000000000, 0, 700, 1);
        break;
    case 6:
        r->payer_fee = (int64_t)below(day, 3000) - 1500;
        break;
    case 7:
        r->payee_fee = (int64_t)below(day, 3000) - 1500;
        break;
    case 8:
        r->payer = (uint32_t)below(day, 10);
        break;
    case 9:
        r->payee = (uint32_t)below(day, 10);
        break;
    case 10:
        r->scheme = (uint16_t)ONE_OF(day, 0, 10, 11, 12, 20, 21, 30, 40, 99);
        break;
    case 11:
        r->ref = fixture_id(below(day, day->fixture->next_id + 2));
        break;
    case 12:
        r->ref_participant = (uint32_t)below(day, 9);
        break;
    case 13:
        r->match_key = fixture_id(below(day, 500));
        break;
    case 14:
        r->business_date = (uint32_t)ONE_OF(day, 0, 20260230, 20261301, 20240229, FIXTURE_DATE + 1);
        break;
    case 15:
        r->timeout_s = (uint32_t)below(day, 100);
        break;
    case 16:
        r->mcc = (uint16_t)ONE_OF(day, 0, 9999, 10000, 5411);
        break;
    case 17:
        memcpy(r->reason, one_in(day, 2) ? "A\0B" : "AB\x7f", 4);
        break;
    case 18:
        r->priority = (uint8_t)below(day, 5);
        break;
    case 19:
        r->currency = (uint16_t)ONE_OF(day, 0, FIXTURE_CNY, FIXTURE_USD, 978);
        break;
    case 20:
        memcpy(r->reason, "AC04", 4);
        break;
    default:
        r->details_hash.bytes[3] = 9;
        break;
    }
}

static struct record any(struct random_day *day, uint32_t by)
{
    uint64_t dice = below(day, 100);
    if (day->recent_count == 0 || dice < 45) {
        return beginning(day, by);
    }
    if (dice < 48) {
        struct record again = day->recent[below(day, day->recent_count)];
        return again;
    }
    return dice < 62 ? half(day, by) : act(day, by);
}

/* A place for a chargeback: rather not that of a dispute that goes on. */
static uint32_t dispute_place(struct random_day *day)
{
    for (uint32_t at = 0; at < DISPUTES && !one_in(day, 20); at++) {
        unsigned state = acts_state(day->fixture, day->recent_by[at], &day->recent[at]);
        if (state < LIFE_CHARGED_BACK || state > LIFE_IN_ARBITRATION) {
            return at;
        }
    }
    return (uint32_t)below(day, DISPUTES);
}

/* The first places are for chargebacks, so that disputes go on. */
static void keep(struct random_day *day, const struct record *record, uint32_t by)
{
    uint32_t at = day->recent_count;
    if (at < RANDOM_DAY_RECENT) {
        day->recent_count++;
    } else if (record->kind == RECORD_CHARGEBACK) {
        at = dispute_place(day);
    } else {
        at = DISPUTES + (uint32_t)below(day, RANDOM_DAY_RECENT - DISPUTES);
    }
    day->recent[at] = *record;
    day->recent_by[at] = by;
}

void random_day_note(struct random_day *day)
{
    const struct ledger_fixture *f = day->fixture;
    for (uint32_t b = 0; b < f->block.batch_count; b++) {
        bool has_records = f->parts[b].header.kind == BATCH_RECORDS;
        for (uint32_t i = 0; has_records && i < f->parts[b].header.count; i++) {
            const struct record *record = &f->parts[b].records[i];
            bool more = record->kind == RECORD_CLEAR || record->kind == RECORD_HOLD ||
                        record->kind == RECORD_CAPTURE || record->kind == RECORD_PAY ||
                        record->kind == RECORD_CHARGEBACK || record->kind == RECORD_DEFUND ||
                        record->kind == RECORD_UNPLEDGE || record->kind == RECORD_REVERSE;
            if (verdict_is_accepted(fixture_verdict(f, b, i)) && (more || one_in(day, 8))) {
                keep(day, record, f->parts[b].header.participant);
            }
        }
    }
}

static void random_time(struct random_day *day)
{
    uint64_t *now_ms = &day->fixture->block.timestamp_ms;
    if (day->next_ms > *now_ms - 1000) {
        *now_ms = day->next_ms;
        return;
    }
    uint64_t dice = below(day, 100);
    uint64_t later = 1000;
    if (dice < 12) {
        later = 1 + below(day, 60000);
    } else if (dice < 15) {
        later = below(day, 4ull * 3600000);
    } else if (dice < 16) {
        later = below(day, 3ull * 86400000);
    }
    *now_ms += later;
}

/* A key that the participant may submit with; 0: it has none. */
static uint32_t submitting_key(const struct random_day *day, uint32_t by)
{
    const struct genesis_participant *row = genesis_participant(now_of(day), by);
    for (uint32_t i = 0; i < row->key_count; i++) {
        if ((row->keys[i].permissions & PERMISSION_SUBMIT) != 0) {
            return row->keys[i].key_no;
        }
    }
    return 0;
}

void random_day_block(struct random_day *day, unsigned batches, unsigned records)
{
    struct ledger_fixture *f = day->fixture;
    random_time(day);
    for (unsigned b = 0; b < batches; b++) {
        uint32_t by = one_in(day, 6) ? FIXTURE_AGENT : anyone(day);
        by = one_in(day, 6) ? FIXTURE_NETWORK : by;
        uint32_t key_no = submitting_key(day, by);
        if (key_no == 0) {
            continue;
        }
        struct batch_header *header = fixture_batch(f, by);
        header->key_no = key_no;
        if (one_in(day, 30)) {
            header->source_hash.bytes[0] = (uint8_t)(1 + below(day, 20));
            header->parts = 2;
            header->part = (uint32_t)below(day, 2);
        }
        unsigned count = 1 + (unsigned)below(day, records);
        for (unsigned i = 0; i < count; i++) {
            struct record r = any(day, by);
            if (one_in(day, 16)) {
                r.flags |= RECORD_LINKED;
            }
            if (one_in(day, 24)) {
                spoil(day, &r);
            }
            if (one_in(day, 10)) {
                keep(day, &r, by);
            }
            fixture_add(f, r);
        }
    }
}
