/*
 * sim_records: the products of the simulated network, and what its clients file: records of all
 * kinds, many of them acts on what others filed. A record is a function of its batch's number and
 * of its place alone, so that an old batch can be filed again and an act can name what it acts on
 * without anybody keeping a list.
 *
 *   number % 4   0, 1  beginnings      2  acts on beginnings      3  acts on any of these
 */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim_state.h"
#include "tests/support/replica_net_state.h"

#define AGENT 1u
#define NETWORK 2u
#define BANK_FIRST 3u
#define USD 840
#define BUSINESS_DATE 20261123
#define CARDS 1
#define PAIRS 2
#define INSTANT 3
#define RURAL 4
#define CONFIRMED 5
#define DOLLARS 6
/* How far back an act looks, and how often, for something that concerns its filer. */
#define BACK 48
#define TRIES 12

/* ---- Products ---- */

static void fill_services(struct genesis *genesis)
{
    static const struct genesis_service services[] = {
        {.number = 1,
         .currency = CURRENCY_CNY,
         .mode = SERVICE_DEFERRED,
         .settlement = SETTLEMENT_PREFUNDED,
         .name = "cards",
         .funding_window_s = 3},
        {.number = 2,
         .currency = CURRENCY_CNY,
         .mode = SERVICE_GROSS,
         .settlement = SETTLEMENT_PREFUNDED,
         .name = "instant"},
        {.number = 3,
         .currency = CURRENCY_CNY,
         .mode = SERVICE_DEFERRED,
         .settlement = SETTLEMENT_EXTERNAL,
         .name = "rural",
         .funding_window_s = 5},
        {.number = 4,
         .currency = USD,
         .mode = SERVICE_DEFERRED,
         .settlement = SETTLEMENT_PREFUNDED,
         .name = "dollars"},
    };
    genesis->service_count = sizeof services / sizeof services[0];
    genesis->services_max = genesis->service_count;
    free(genesis->services);
    genesis->services = net_array(genesis->service_count, sizeof *services);
    memcpy(genesis->services, services, sizeof services);
    for (uint32_t i = 0; i < genesis->service_count; i++) {
        struct genesis_service *service = &genesis->services[i];
        if (service->mode == SERVICE_DEFERRED) {
            service->cutoff_count = sizeof service->cutoffs / sizeof service->cutoffs[0];
            for (uint32_t k = 0; k < service->cutoff_count; k++) {
                service->cutoffs[k] = (uint16_t)(SIM_CUTOFF_MINUTE + k);
            }
        }
    }
}

static void fill_schemes(struct genesis *genesis)
{
    static const struct genesis_scheme schemes[] = {
        {.number = CARDS,
         .service = 1,
         .submitters = SIDE_PAYER | SIDE_PAYEE | SIDE_NETWORK,
         .confirmations = 1,
         .network = NETWORK,
         .name = "cards",
         .flags = SCHEME_FEE_MANDATE,
         .hold_timeout_s = 5,
         .chargeback_s = 60,
         .represent_s = 4,
         .pre_arbitrate_s = 4,
         .answer_s = 4,
         .rule_s = 4},
        {.number = PAIRS,
         .service = 1,
         .submitters = SIDE_PAYER | SIDE_PAYEE | SIDE_NETWORK,
         .confirmations = 2,
         .network = NETWORK,
         .name = "pairs",
         .hold_timeout_s = 5,
         .match_timeout_s = 8,
         .chargeback_s = 60,
         .represent_s = 4},
        {.number = INSTANT,
         .service = 2,
         .submitters = SIDE_PAYER,
         .confirmations = 1,
         .network = NETWORK,
         .name = "instant"},
        {.number = RURAL,
         .service = 3,
         .submitters = SIDE_PAYER | SIDE_PAYEE,
         .confirmations = 1,
         .name = "rural"},
        {.number = CONFIRMED,
         .service = 2,
         .submitters = SIDE_PAYER,
         .confirmations = 2,
         .name = "confirmed",
         .match_timeout_s = 6},
        {.number = DOLLARS,
         .service = 4,
         .submitters = SIDE_PAYER | SIDE_PAYEE,
         .confirmations = 1,
         .network = NETWORK,
         .name = "dollars",
         .hold_timeout_s = 5},
    };
    genesis->scheme_count = sizeof schemes / sizeof schemes[0];
    free(genesis->schemes);
    genesis->schemes = net_array(genesis->scheme_count, sizeof *schemes);
    memcpy(genesis->schemes, schemes, sizeof schemes);
}

static void fill_limits(struct genesis *genesis, struct prng *prng)
{
    static const uint64_t caps[] = {20000, 200000, 100000000};
    free(genesis->limits);
    genesis->limits = net_array(2ull * PARTICIPANTS, sizeof *genesis->limits);
    genesis->limit_count = 2 * PARTICIPANTS;
    for (uint32_t i = 0; i < genesis->limit_count; i++) {
        genesis->limits[i] = (struct genesis_limit){
            .participant = i / 2 + 1,
            .currency = i % 2 == 0 ? CURRENCY_CNY : USD,
            .flags = prng_below(prng, 5) == 0 ? LIMIT_COVERED : 0,
            .cap = caps[prng_below(prng, 3)],
        };
    }
    /* Sometimes the last bank settles through the one before it. */
    genesis->participants[PARTICIPANTS - 1].settles_through =
        prng_below(prng, 2) == 0 ? PARTICIPANTS - 1 : 0;
}

void sim_fill_products(struct genesis *genesis, struct prng *prng)
{
    free(genesis->currencies);
    genesis->currency_count = 2;
    genesis->currencies = net_array(2, sizeof *genesis->currencies);
    genesis->currencies[0] =
        (struct genesis_currency){.numeric = CURRENCY_CNY, .exponent = 2, .code = "CNY"};
    genesis->currencies[1] =
        (struct genesis_currency){.numeric = USD, .exponent = 2, .code = "USD"};
    fill_services(genesis);
    fill_schemes(genesis);
    fill_limits(genesis, prng);
    genesis->parameters.queue_max = 12;
    genesis->parameters.queue_quota = 5;
    genesis->parameters.fund_share_ppm = prng_below(prng, 2) == 0 ? 1000000 : 200000;
}

/* ---- Records ---- */

static struct prng prng_of(uint64_t number, uint32_t index)
{
    return prng_seeded(number * 64 + index + 1);
}

uint32_t sim_submitter(uint64_t number)
{
    struct prng prng = prng_of(number, 63);
    const uint64_t dice = prng_below(&prng, 20);
    return dice < 3 ? AGENT : dice < 5 ? NETWORK : BANK_FIRST + (uint32_t)(dice % 5);
}

static uint32_t bank_but(struct prng *prng, uint32_t other)
{
    const uint32_t bank = BANK_FIRST + (uint32_t)prng_below(prng, PARTICIPANTS - 2);
    return bank != other ? bank : bank == BANK_FIRST ? BANK_FIRST + 1 : BANK_FIRST;
}

static void begin_fund(struct prng *prng, struct record *record)
{
    record->kind = RECORD_FUND;
    record->payer = 0;
    record->payee = BANK_FIRST + (uint32_t)prng_below(prng, PARTICIPANTS - 2);
    record->scheme = 0;
    record->match_key = record->id;
    record->amount = 1 + prng_below(prng, 200000);
}

/* What a bank does with its money outside schemes. */
static void begin_treasury(struct prng *prng, struct record *record)
{
    static const uint16_t kinds[] = {RECORD_DEFUND, RECORD_PLEDGE, RECORD_UNPLEDGE,
                                     RECORD_CONTRIBUTE};
    record->kind = kinds[prng_below(prng, 4)];
    record->payee = 0;
    record->scheme = 0;
    record->amount = 1 + prng_below(prng, 20000);
}

static void begin_payment(struct prng *prng, struct record *record)
{
    record->kind = RECORD_PAY;
    record->scheme = prng_below(prng, 5) == 0 ? CONFIRMED : INSTANT;
    record->amount = 1 + prng_below(prng, 60000);
    if (record->scheme == INSTANT && prng_below(prng, 3) != 0) {
        record->flags |= RECORD_QUEUE;
        record->priority = (uint8_t)prng_below(prng, 3);
        record->timeout_s = (uint32_t)prng_below(prng, 3) * 10;
    }
}

static void begin_clear(struct prng *prng, struct record *record)
{
    static const uint16_t schemes[] = {CARDS, CARDS, CARDS, PAIRS, PAIRS, PAIRS, RURAL, DOLLARS};
    record->scheme = schemes[prng_below(prng, 8)];
    record->kind = prng_below(prng, 5) == 0 && record->scheme != RURAL ? RECORD_HOLD : RECORD_CLEAR;
    record->currency = record->scheme == DOLLARS ? USD : CURRENCY_CNY;
    if (record->scheme == PAIRS && record->kind == RECORD_CLEAR) {
        record->match_key = record->id;
    }
    record->interchange = (int64_t)(record->amount / 300);
    record->payee_fee = record->scheme == RURAL ? 0 : (int64_t)(record->amount / 3000);
    /* The other side files a part of them. */
    if (prng_below(prng, 3) == 0 && !(record->scheme == PAIRS && record->kind == RECORD_HOLD)) {
        const uint32_t payee = record->payee;
        record->payee = record->payer;
        record->payer = payee;
    }
}

static void begin_fee(struct record *record)
{
    record->kind = RECORD_FEE;
    record->scheme = CARDS;
    record->payee = NETWORK;
    record->amount = record->amount % 500 + 1;
}

static void begin(struct prng *prng, uint32_t by, struct record *record)
{
    const uint64_t dice = prng_below(prng, 20);
    record->amount = 1 + prng_below(prng, 30000);
    record->payer = by;
    record->payee = bank_but(prng, by);
    if (by == AGENT) {
        begin_fund(prng, record);
    } else if (by == NETWORK && dice < 4) {
        record->payer = bank_but(prng, by);
        begin_fee(record);
    } else if (by == NETWORK) {
        record->payer = bank_but(prng, record->payee);
        begin_clear(prng, record);
    } else if (dice < 4) {
        begin_treasury(prng, record);
    } else if (dice < 9) {
        begin_payment(prng, record);
    } else if (dice < 10) {
        begin_fee(record);
    } else {
        begin_clear(prng, record);
    }
}

/* ---- Acts ---- */

enum part { PART_NONE, PART_PAYER, PART_PAYEE, PART_OTHER };

static enum part part_of(uint32_t by, const struct record *original)
{
    const bool treasury = original->kind == RECORD_DEFUND || original->kind == RECORD_UNPLEDGE;
    if (by == AGENT) {
        return treasury ? PART_OTHER : PART_NONE;
    }
    if (by == NETWORK && original->scheme != 0) {
        return PART_OTHER;
    }
    return treasury                ? PART_NONE
           : by == original->payer ? PART_PAYER
           : by == original->payee ? PART_PAYEE
                                   : PART_NONE;
}

static uint16_t pick(struct prng *prng, const uint16_t *kinds, uint32_t count)
{
    return kinds[prng_below(prng, count)];
}
#define PICK(prng, ...)                                                                            \
    pick((prng), (const uint16_t[]){__VA_ARGS__},                                                  \
         sizeof((const uint16_t[]){__VA_ARGS__}) / sizeof(uint16_t))

/* The same CLEAR once more, by another side: a half if it is of two confirmations. */
#define ANOTHER_HALF RECORD_CLEAR

static uint16_t act_on_clear(struct prng *prng, enum part part, const struct record *original)
{
    if (original->scheme == PAIRS && original->kind == RECORD_CLEAR && prng_below(prng, 3) != 0) {
        return PICK(prng, ANOTHER_HALF, ANOTHER_HALF, ANOTHER_HALF, RECORD_AFFIRM, RECORD_REJECT);
    }
    return part == PART_PAYER   ? PICK(prng, RECORD_CHARGEBACK, RECORD_CHARGEBACK, RECORD_REVERSE)
           : part == PART_PAYEE ? PICK(prng, RECORD_REFUND, RECORD_REFUND, RECORD_REVERSE)
                                : PICK(prng, RECORD_REFUND, RECORD_REVERSE);
}

static uint16_t act_on_payment(struct prng *prng, enum part part)
{
    return part == PART_PAYER ? PICK(prng, RECORD_CANCEL, RECORD_REPRIORITISE, RECORD_REVERSE)
                              : PICK(prng, RECORD_AFFIRM, RECORD_AFFIRM, RECORD_REJECT,
                                     RECORD_REFUND, RECORD_REVERSE);
}

static uint16_t act_on_dispute(struct prng *prng, enum part part)
{
    return part == PART_PAYER
               ? PICK(prng, RECORD_PRE_ARBITRATE, RECORD_PRE_ARBITRATE, RECORD_WITHDRAW)
           : part == PART_PAYEE
               ? PICK(prng, RECORD_REPRESENT, RECORD_REPRESENT, RECORD_ACCEPT, RECORD_DECLINE)
               : (uint16_t)RECORD_RULE;
}

static uint16_t act_kind(struct prng *prng, enum part part, const struct record *original)
{
    if (original->kind == RECORD_CLEAR || original->kind == RECORD_CAPTURE) {
        return act_on_clear(prng, part, original);
    }
    if (original->kind == RECORD_HOLD) {
        return PICK(prng, RECORD_CAPTURE, RECORD_CAPTURE, RECORD_CAPTURE, RECORD_RELEASE);
    }
    if (original->kind == RECORD_PAY) {
        return act_on_payment(prng, part);
    }
    if (original->kind == RECORD_CHARGEBACK) {
        return act_on_dispute(prng, part);
    }
    return PICK(prng, RECORD_AFFIRM, RECORD_AFFIRM, RECORD_AFFIRM, RECORD_REJECT);
}

/* Another side's word about the same transaction, now and then a different one. */
static void half_of(struct prng *prng, const struct record *original, struct record *record)
{
    const struct record_id id = record->id;
    *record = *original;
    record->id = id;
    record->flags = 0;
    switch (prng_below(prng, 16)) {
    case 0:
        record->amount++;
        break;
    case 1:
        record->interchange++;
        break;
    case 2:
        record->business_date++;
        break;
    default:
        break;
    }
}

static void act(struct prng *prng, enum part part, const struct record *original, uint32_t by,
                struct record *record)
{
    record->kind = act_kind(prng, part, original);
    if (record->kind == ANOTHER_HALF) {
        half_of(prng, original, record);
        return;
    }
    record->ref = original->id;
    record->ref_participant = by;
    record->payer = original->payer;
    record->payee = original->payee;
    record->scheme = original->scheme;
    record->currency = original->currency;
    if (record->kind == RECORD_REFUND || record->kind == RECORD_CAPTURE ||
        record->kind == RECORD_CHARGEBACK) {
        record->amount = prng_below(prng, 2) == 0 ? original->amount
                                                  : 1 + prng_below(prng, original->amount + 1);
    }
    if (record->kind == RECORD_CAPTURE && prng_below(prng, 2) == 0) {
        record->flags |= RECORD_FINAL;
    }
    if (record->kind == RECORD_RULE && prng_below(prng, 2) == 0) {
        record->flags |= RECORD_OUTCOME;
    }
    if (record->kind == RECORD_CANCEL || record->kind == RECORD_REPRIORITISE) {
        record->ref_participant = 0;
    }
    if (record->kind == RECORD_REPRIORITISE) {
        record->priority = (uint8_t)prng_below(prng, 3);
    }
}

/* 0: beginnings; 1: acts on them; 2: acts on those as well. */
static uint32_t depth_of(uint64_t number)
{
    return number % 4 < 2 ? 0 : (uint32_t)(number % 4) - 1;
}

static void fill(uint64_t number, uint32_t index, struct record *record);

/* The earlier record that this one acts on: rather one that concerns its filer. */
static enum part find(struct prng *prng, uint64_t number, uint32_t by, struct record *ret_original,
                      uint32_t *ret_by)
{
    enum part part = PART_NONE;
    for (uint32_t tries = 0; tries < TRIES && part == PART_NONE; tries++) {
        const uint64_t back = 1 + prng_below(prng, sim_least(BACK, number));
        if (depth_of(number - back) >= depth_of(number)) {
            continue;
        }
        fill(number - back, (uint32_t)prng_below(prng, SIM_BATCH_RECORDS), ret_original);
        *ret_by = sim_submitter(number - back);
        part = part_of(by, ret_original);
    }
    return part;
}

static void fill(uint64_t number, uint32_t index, struct record *record)
{
    struct prng prng = prng_of(number, index);
    struct record original;
    uint32_t filer = 0;
    const uint32_t by = sim_submitter(number);
    enum part part = PART_NONE;
    memset(record, 0, sizeof *record);
    put_be64(record->id.bytes, number + 1);
    put_be64(record->id.bytes + 8, index + 1);
    record->business_date = BUSINESS_DATE;
    record->currency = CURRENCY_CNY;
    if (depth_of(number) > 0) {
        part = find(&prng, number, by, &original, &filer);
    }
    if (part == PART_NONE) {
        begin(&prng, by, record);
    } else {
        act(&prng, part, &original, filer, record);
    }
    if (prng_below(&prng, 12) == 0) {
        record->flags |= RECORD_LINKED;
    }
}

void sim_fill_records(uint64_t number, struct record *records, uint32_t count)
{
    CHECK(count <= SIM_BATCH_RECORDS);
    for (uint32_t i = 0; i < count; i++) {
        fill(number, i, &records[i]);
    }
}
