/*
 * test_vectors: the layouts, hashes and roots of tests/vectors/formats.json, which an independent
 * program computed from docs/formats.md, come out of ledger/ too. Genesis and the example chain are
 * in test_vectors_chain.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium/crypto_sign_ed25519.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "ledger/account.h"
#include "ledger/batch.h"
#include "ledger/block.h"
#include "ledger/genesis.h"
#include "ledger/page.h"
#include "ledger/record.h"
#include "tests/support/vectors.h"

static struct vectors *vectors;

static int open_vectors(void **state)
{
    (void)state;
    vectors = vectors_open();
    return vectors == NULL ? -1 : 0;
}

static int close_vectors(void **state)
{
    (void)state;
    vectors_close(vectors);
    return 0;
}

#define EXPECT_OFFSET(layout, type, field)                                                         \
    assert_int_equal(offsetof(struct type, field),                                                 \
                     vectors_number(vectors, "layout." layout "." #field))

/* Goal: each field of a clearing record stands where docs/formats.md says. */
static void record_offsets(void **state)
{
    (void)state;
    assert_int_equal(sizeof(struct record), vectors_number(vectors, "layout.record.size"));
    EXPECT_OFFSET("record", record, id);
    EXPECT_OFFSET("record", record, ref);
    EXPECT_OFFSET("record", record, match_key);
    EXPECT_OFFSET("record", record, details_hash);
    EXPECT_OFFSET("record", record, amount);
    EXPECT_OFFSET("record", record, interchange);
    EXPECT_OFFSET("record", record, payer_fee);
    EXPECT_OFFSET("record", record, payee_fee);
    EXPECT_OFFSET("record", record, payer);
    EXPECT_OFFSET("record", record, payee);
    EXPECT_OFFSET("record", record, ref_participant);
    EXPECT_OFFSET("record", record, business_date);
    EXPECT_OFFSET("record", record, timeout_s);
    EXPECT_OFFSET("record", record, kind);
    EXPECT_OFFSET("record", record, scheme);
    EXPECT_OFFSET("record", record, currency);
    EXPECT_OFFSET("record", record, mcc);
    EXPECT_OFFSET("record", record, reason);
    EXPECT_OFFSET("record", record, priority);
    EXPECT_OFFSET("record", record, flags);
    EXPECT_OFFSET("record", record, reserved);
}

/* Goal: the same for the two headers. */
static void header_offsets(void **state)
{
    (void)state;
    assert_int_equal(sizeof(struct batch_header), vectors_number(vectors, "layout.batch.size"));
    EXPECT_OFFSET("batch", batch_header, version);
    EXPECT_OFFSET("batch", batch_header, kind);
    EXPECT_OFFSET("batch", batch_header, participant);
    EXPECT_OFFSET("batch", batch_header, key_no);
    EXPECT_OFFSET("batch", batch_header, count);
    EXPECT_OFFSET("batch", batch_header, created_ms);
    EXPECT_OFFSET("batch", batch_header, expires_ms);
    EXPECT_OFFSET("batch", batch_header, chain_id);
    EXPECT_OFFSET("batch", batch_header, records_root);
    EXPECT_OFFSET("batch", batch_header, source_hash);
    EXPECT_OFFSET("batch", batch_header, part);
    EXPECT_OFFSET("batch", batch_header, parts);
    EXPECT_OFFSET("batch", batch_header, reserved);
    assert_int_equal(sizeof(struct block_header), vectors_number(vectors, "layout.block.size"));
    EXPECT_OFFSET("block", block_header, version);
    EXPECT_OFFSET("block", block_header, flags);
    EXPECT_OFFSET("block", block_header, epoch);
    EXPECT_OFFSET("block", block_header, height);
    EXPECT_OFFSET("block", block_header, timestamp_ms);
    EXPECT_OFFSET("block", block_header, proposer);
    EXPECT_OFFSET("block", block_header, batch_count);
    EXPECT_OFFSET("block", block_header, account_count);
    EXPECT_OFFSET("block", block_header, event_count);
    EXPECT_OFFSET("block", block_header, record_count);
    EXPECT_OFFSET("block", block_header, total_records);
    EXPECT_OFFSET("block", block_header, chain_id);
    EXPECT_OFFSET("block", block_header, parent_hash);
    EXPECT_OFFSET("block", block_header, batches_root);
    EXPECT_OFFSET("block", block_header, verdicts_root);
    EXPECT_OFFSET("block", block_header, accounts_root);
    EXPECT_OFFSET("block", block_header, state_root);
    EXPECT_OFFSET("block", block_header, history_root);
    EXPECT_OFFSET("block", block_header, events_root);
    EXPECT_OFFSET("block", block_header, next_validators_hash);
}

/* Goal: the numbers of the kinds are those of the page, and there are no others. */
static void kind_numbers(void **state)
{
    (void)state;
    unsigned kinds = 0;
    for (unsigned kind = 0; kind < 65536; kind++) {
        const char *name = record_kind_name(kind);
        if (name != NULL) {
            assert_int_equal(vectors_number(vectors, "kind.%s", name), kind);
            assert_int_equal(record_kind_of_name(name), kind);
            kinds++;
        }
    }
    assert_int_equal(kinds, 24);
}

static void record_of(unsigned i, struct record *ret_record)
{
    memset(ret_record, 0, sizeof *ret_record);
    vectors_bytes(vectors, &ret_record->id, 16, "record.%u.id", i);
    vectors_bytes(vectors, &ret_record->ref, 16, "record.%u.ref", i);
    vectors_bytes(vectors, &ret_record->match_key, 16, "record.%u.match_key", i);
    vectors_bytes(vectors, &ret_record->details_hash, 32, "record.%u.details_hash", i);
    ret_record->amount = vectors_number(vectors, "record.%u.amount", i);
    ret_record->interchange = vectors_signed(vectors, "record.%u.interchange", i);
    ret_record->payer_fee = vectors_signed(vectors, "record.%u.payer_fee", i);
    ret_record->payee_fee = vectors_signed(vectors, "record.%u.payee_fee", i);
    ret_record->payer = (uint32_t)vectors_number(vectors, "record.%u.payer", i);
    ret_record->payee = (uint32_t)vectors_number(vectors, "record.%u.payee", i);
    ret_record->ref_participant = (uint32_t)vectors_number(vectors, "record.%u.ref_participant", i);
    ret_record->business_date = (uint32_t)vectors_number(vectors, "record.%u.business_date", i);
    ret_record->timeout_s = (uint32_t)vectors_number(vectors, "record.%u.timeout_s", i);
    ret_record->kind = (uint16_t)vectors_number(vectors, "record.%u.kind", i);
    ret_record->scheme = (uint16_t)vectors_number(vectors, "record.%u.scheme", i);
    ret_record->currency = (uint16_t)vectors_number(vectors, "record.%u.currency", i);
    ret_record->mcc = (uint16_t)vectors_number(vectors, "record.%u.mcc", i);
    vectors_bytes(vectors, ret_record->reason, 4, "record.%u.reason", i);
    ret_record->priority = (uint8_t)vectors_number(vectors, "record.%u.priority", i);
    ret_record->flags = (uint8_t)vectors_number(vectors, "record.%u.flags", i);
}

/* Goal: a record made of its fields has the frozen bytes and hash. */
static void records(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct record record;
        record_of(i, &record);
        vectors_expect(vectors, &record, sizeof record, "record.%u.bytes", i);
        vectors_expect_hash(vectors, record_hash(&record), "record.%u.hash", i);
    }
}

static void batch_header_of(unsigned i, struct batch_header *ret_header)
{
    memset(ret_header, 0, sizeof *ret_header);
    ret_header->version = (uint16_t)vectors_number(vectors, "batch.%u.version", i);
    ret_header->kind = (uint16_t)vectors_number(vectors, "batch.%u.kind", i);
    ret_header->participant = (uint32_t)vectors_number(vectors, "batch.%u.participant", i);
    ret_header->key_no = (uint32_t)vectors_number(vectors, "batch.%u.key_no", i);
    ret_header->count = (uint32_t)vectors_number(vectors, "batch.%u.count", i);
    ret_header->created_ms = vectors_number(vectors, "batch.%u.created_ms", i);
    ret_header->expires_ms = vectors_number(vectors, "batch.%u.expires_ms", i);
    vectors_bytes(vectors, &ret_header->chain_id, 32, "batch.%u.chain_id", i);
    vectors_bytes(vectors, &ret_header->records_root, 32, "batch.%u.records_root", i);
    vectors_bytes(vectors, &ret_header->source_hash, 32, "batch.%u.source_hash", i);
    ret_header->part = (uint32_t)vectors_number(vectors, "batch.%u.part", i);
    ret_header->parts = (uint32_t)vectors_number(vectors, "batch.%u.parts", i);
}

/* The root over the body: its records', or the one of an action. */
static struct hash body_root(const struct batch *batch)
{
    if (batch->header.kind != BATCH_RECORDS) {
        struct hash body = hash_of(&PURPOSE_ACTION, batch->body, batch->body_length);
        return merkle_leaf(&body, HASH_BYTES);
    }
    struct record *copy = malloc(batch->body_length);
    struct hash *hashes = malloc(batch->header.count * sizeof *hashes);
    assert_non_null(copy);
    assert_non_null(hashes);
    memcpy(copy, batch->body, batch->body_length);
    struct hash root = batch_records_root(copy, batch->header.count, hashes);
    free(hashes);
    free(copy);
    return root;
}

/* Goal: header bytes, id, signed bytes and root; another program's signature; and the parser. */
static void batches(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct batch_header header;
        uint8_t signed_bytes[BATCH_SIGNED_BYTES];
        struct public_key key;
        struct signature signature;
        batch_header_of(i, &header);
        vectors_expect(vectors, &header, sizeof header, "batch.%u.bytes", i);
        vectors_expect_hash(vectors, batch_id(&header), "batch.%u.id", i);
        batch_signed_bytes(&header, signed_bytes);
        vectors_expect(vectors, signed_bytes, sizeof signed_bytes, "batch.%u.signed", i);
        vectors_bytes(vectors, &key, sizeof key, "batch.%u.key", i);
        vectors_bytes(vectors, &signature, sizeof signature, "batch.%u.signature", i);
        assert_int_equal(crypto_sign_ed25519_verify_detached(signature.bytes, signed_bytes,
                                                             sizeof signed_bytes, key.bytes),
                         0);

        size_t body_length = 0;
        uint8_t *body = vectors_copy(vectors, &body_length, "batch.%u.body", i);
        size_t length = BATCH_PREFIX_BYTES + body_length;
        uint8_t *bytes = malloc(length);
        assert_non_null(bytes);
        memcpy(bytes, &header, sizeof header);
        memcpy(bytes + sizeof header, &signature, sizeof signature);
        memcpy(bytes + BATCH_PREFIX_BYTES, body, body_length);
        struct batch batch;
        assert_int_equal(batch_parse(bytes, length, &header.chain_id, &batch, NULL), STATUS_OK);
        vectors_expect_hash(vectors, batch.id, "batch.%u.id", i);
        vectors_expect_hash(vectors, body_root(&batch), "batch.%u.records_root", i);
        free(bytes);
        free(body);
    }
}

/* Goal: verdict vectors around the chunk of 32, and roots over 0 to 5 batch ids. */
static void verdicts_and_batch_ids(void **state)
{
    (void)state;
    static const uint32_t counts[] = {1, 2, 31, 32, 33, 64, 70, 100};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        uint16_t verdicts[100];
        vectors_bytes(vectors, verdicts, counts[i] * sizeof verdicts[0], "verdicts.%u.list",
                      counts[i]);
        vectors_expect_hash(vectors, verdict_vector_root(verdicts, counts[i]), "verdicts.%u.root",
                            counts[i]);
    }
    for (uint32_t count = 0; count <= 5; count++) {
        struct hash ids[5];
        vectors_bytes(vectors, ids, count * sizeof ids[0], "batch_ids.%u.list", count);
        vectors_expect_hash(vectors, batches_root(ids, count), "batch_ids.%u.root", count);
    }
}

/* Goal: a block header made of its fields has the frozen bytes and hash. */
static void block_header(void **state)
{
    (void)state;
    struct block_header header = {
        .version = (uint32_t)vectors_number(vectors, "block.0.version"),
        .flags = (uint32_t)vectors_number(vectors, "block.0.flags"),
        .epoch = vectors_number(vectors, "block.0.epoch"),
        .height = vectors_number(vectors, "block.0.height"),
        .timestamp_ms = vectors_number(vectors, "block.0.timestamp_ms"),
        .proposer = (uint32_t)vectors_number(vectors, "block.0.proposer"),
        .batch_count = (uint32_t)vectors_number(vectors, "block.0.batch_count"),
        .account_count = (uint32_t)vectors_number(vectors, "block.0.account_count"),
        .event_count = (uint32_t)vectors_number(vectors, "block.0.event_count"),
        .record_count = vectors_number(vectors, "block.0.record_count"),
        .total_records = vectors_number(vectors, "block.0.total_records"),
    };
    vectors_bytes(vectors, &header.chain_id, 32, "block.0.chain_id");
    vectors_bytes(vectors, &header.parent_hash, 32, "block.0.parent_hash");
    vectors_bytes(vectors, &header.batches_root, 32, "block.0.batches_root");
    vectors_bytes(vectors, &header.verdicts_root, 32, "block.0.verdicts_root");
    vectors_bytes(vectors, &header.accounts_root, 32, "block.0.accounts_root");
    vectors_bytes(vectors, &header.state_root, 32, "block.0.state_root");
    vectors_bytes(vectors, &header.history_root, 32, "block.0.history_root");
    vectors_bytes(vectors, &header.events_root, 32, "block.0.events_root");
    vectors_bytes(vectors, &header.next_validators_hash, 32, "block.0.next_validators_hash");
    vectors_expect(vectors, &header, sizeof header, "block.0.bytes");
    vectors_expect_hash(vectors, block_hash(&header), "block.0.hash");
}

/* Goal: the numbers of accounts, the hub's and the participants'. */
static void account_numbers(void **state)
{
    (void)state;
    assert_int_equal(account_number(1, 0, 0, ACCOUNT_SETTLEMENT),
                     vectors_number(vectors, "account_number.1.0.0.SETTLEMENT"));
    assert_int_equal(account_number(1, 2, 0, ACCOUNT_CLAIM),
                     vectors_number(vectors, "account_number.1.2.0.CLAIM"));
    assert_int_equal(account_number(3, 0, 1, ACCOUNT_POSITION),
                     vectors_number(vectors, "account_number.3.0.1.POSITION"));
    assert_int_equal(account_number(3, 449, 2, ACCOUNT_COLLATERAL),
                     vectors_number(vectors, "account_number.3.449.2.COLLATERAL"));
    assert_int_equal(account_number_hub(0, ACCOUNT_CASH),
                     vectors_number(vectors, "account_number.hub.0.CASH"));
    assert_int_equal(account_number_hub(0, ACCOUNT_FUND),
                     vectors_number(vectors, "account_number.hub.0.FUND"));
    assert_int_equal(account_number_hub(2, ACCOUNT_PAYOUT),
                     vectors_number(vectors, "account_number.hub.2.PAYOUT"));
    assert_int_equal(account_number_hub(63, ACCOUNT_NETTING),
                     vectors_number(vectors, "account_number.hub.63.NETTING"));
}

static void totals_of(const char *prefix, struct total totals[ACCOUNT_TOTALS])
{
    totals[TOTAL_DEBITS_POSTED].minor = vectors_wide(vectors, "%s.debits_posted", prefix);
    totals[TOTAL_CREDITS_POSTED].minor = vectors_wide(vectors, "%s.credits_posted", prefix);
    totals[TOTAL_DEBITS_PENDING].minor = vectors_wide(vectors, "%s.debits_pending", prefix);
    totals[TOTAL_CREDITS_PENDING].minor = vectors_wide(vectors, "%s.credits_pending", prefix);
}

/* Goal: the account leaf, there and back. */
static void account_leaf(void **state)
{
    (void)state;
    struct account account = {
        .number = (uint32_t)vectors_number(vectors, "account.0.account"),
        .participant = (uint32_t)vectors_number(vectors, "account.0.participant"),
        .currency = (uint16_t)vectors_number(vectors, "account.0.currency"),
        .class = (uint16_t)vectors_number(vectors, "account.0.class"),
        .flags = (uint32_t)vectors_number(vectors, "account.0.flags"),
        .limit = vectors_number(vectors, "account.0.limit"),
        .entries = vectors_number(vectors, "account.0.entries"),
        .last_page_height = vectors_number(vectors, "account.0.last_page_height"),
    };
    totals_of("account.0", account.totals);
    vectors_bytes(vectors, &account.head, 32, "account.0.head");
    uint8_t leaf[ACCOUNT_LEAF_BYTES];
    account_encode(&account, leaf);
    vectors_expect(vectors, leaf, sizeof leaf, "account.0.bytes");
    vectors_expect_hash(vectors, account_leaf_hash(&account), "account.0.leaf_hash");
    struct account decoded;
    struct span span = {leaf, sizeof leaf};
    assert_int_equal(account_decode(span, &decoded), STATUS_OK);
    assert_int_equal(decoded.number, account.number);
    assert_int_equal(decoded.participant, account.participant);
    account_encode(&decoded, leaf);
    vectors_expect(vectors, leaf, sizeof leaf, "account.0.bytes");
}

static void expect_entry(const struct page *page, unsigned at)
{
    struct page_entry entry = page_entry_at(page, at);
    assert_int_equal(entry.index, vectors_number(vectors, "page.0.entry.%u.index", at));
    assert_int_equal(entry.leg, vectors_number(vectors, "page.0.entry.%u.leg", at));
    assert_int_equal(entry.total, vectors_number(vectors, "page.0.entry.%u.total", at));
    assert_int_equal(entry.flags, vectors_number(vectors, "page.0.entry.%u.flags", at));
    assert_true(entry.delta == vectors_signed(vectors, "page.0.entry.%u.delta", at));
}

/* Goal: an account page, its parts, and the next head of the chain. */
static void account_page(void **state)
{
    (void)state;
    struct page_head head = {
        .account = (uint32_t)vectors_number(vectors, "page.0.account"),
        .count = (uint16_t)vectors_number(vectors, "page.0.count"),
        .part = (uint16_t)vectors_number(vectors, "page.0.part"),
        .height = vectors_number(vectors, "page.0.height"),
        .previous_height = vectors_number(vectors, "page.0.previous_height"),
        .limit = vectors_number(vectors, "page.0.limit"),
        .flags = (uint32_t)vectors_number(vectors, "page.0.flags"),
    };
    totals_of("page.0", head.totals);
    size_t length = 0;
    uint8_t *bytes = vectors_copy(vectors, &length, "page.0.bytes");
    uint8_t encoded[PAGE_HEAD_BYTES];
    page_head_encode(&head, encoded);
    assert_memory_equal(encoded, bytes, sizeof encoded);
    struct page page;
    struct span span = {bytes, length};
    assert_int_equal(page_parse(span, &page), STATUS_OK);
    assert_int_equal(page.head.count, 2);
    expect_entry(&page, 0);
    expect_entry(&page, 1);
    struct hash previous;
    vectors_bytes(vectors, &previous, 32, "page.0.head");
    vectors_expect_hash(vectors, page_chain(&previous, bytes, length), "page.0.next_head");
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(record_offsets), cmocka_unit_test(header_offsets),
        cmocka_unit_test(kind_numbers),   cmocka_unit_test(records),
        cmocka_unit_test(batches),        cmocka_unit_test(verdicts_and_batch_ids),
        cmocka_unit_test(block_header),   cmocka_unit_test(account_numbers),
        cmocka_unit_test(account_leaf),   cmocka_unit_test(account_page),
    };
    return cmocka_run_group_tests(tests, open_vectors, close_vectors);
}
