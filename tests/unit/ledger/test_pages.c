/*
 * Goal: from the pages alone an account's totals, number of entries and head can be rebuilt, and
 * equal its leaf; what was reordered, altered or left out shows (docs/formats.md, Account page).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/ledger_fixture.h"

/* What walking an account's pages from height 1 to the last gives. */
struct walk {
    struct hash head;
    struct total totals[ACCOUNT_TOTALS];
    uint64_t entries;
    uint64_t last_page_height;
    uint32_t pages;
};

static void walk_page(const struct page *page, struct span bytes, struct walk *walk)
{
    assert_int_equal(page->head.previous_height, walk->last_page_height);
    for (unsigned i = 0; i < page->head.count; i++) {
        struct page_entry entry = page_entry_at(page, i);
        assert_true(entry.delta > 0);
        walk->totals[entry.total].minor += (unsigned __int128)entry.delta;
    }
    assert_memory_equal(page->head.totals, walk->totals, sizeof walk->totals);
    walk->head = page_chain(&walk->head, bytes.data, bytes.length);
    walk->entries += page->head.count;
    walk->last_page_height = page->head.height;
    walk->pages++;
}

static struct walk walk_account(struct ledger_fixture *f, uint32_t account)
{
    struct walk walk;
    memset(&walk, 0, sizeof walk);
    uint64_t last = ledger_store_header(f->store)->height;
    for (uint64_t height = 1; height <= last; height++) {
        for (uint16_t part = 0;; part++) {
            uint8_t key[PAGE_KEY_BYTES];
            page_key(account, height, part, key);
            struct span bytes = ledger_store_get(f->store, TABLE_PAGES, key, sizeof key);
            if (bytes.data == NULL) {
                break;
            }
            struct page page;
            assert_int_equal(page_parse(bytes, &page), STATUS_OK);
            assert_int_equal(page.head.account, account);
            assert_int_equal(page.head.height, height);
            assert_int_equal(page.head.part, part);
            walk_page(&page, bytes, &walk);
        }
    }
    return walk;
}

static void assert_pages_are_complete(struct ledger_fixture *f)
{
    for (uint32_t number = 0; number < f->ledger->account_count; number++) {
        struct walk walk = walk_account(f, number);
        uint8_t key[ACCOUNT_KEY_BYTES];
        account_key(number, key);
        struct account leaf;
        assert_int_equal(
            account_decode(ledger_store_get(f->store, TABLE_ACCOUNTS, key, sizeof key), &leaf),
            STATUS_OK);
        assert_memory_equal(&leaf.head, &walk.head, sizeof walk.head);
        assert_memory_equal(leaf.totals, walk.totals, sizeof walk.totals);
        assert_int_equal(leaf.entries, walk.entries);
        assert_int_equal(leaf.last_page_height, walk.last_page_height);
        /* And the leaf is under accounts_root. */
        struct merkle_path path;
        merkle_dense_path(&f->ledger->tree, number, &path);
        struct hash hash = account_leaf_hash(&leaf);
        assert_true(merkle_verify(&ledger_store_header(f->store)->accounts_root,
                                  f->ledger->account_count, number, &hash, &path));
    }
}

static void test_chain_of_pages(void **state)
{
    (void)state;
    struct ledger_fixture *f = fixture_new();
    fixture_start(f);
    for (unsigned block = 0; block < 6; block++) {
        (void)fixture_batch(f, FIXTURE_AGENT);
        fixture_add(f, fixture_fund(f, 1 + block % 3, 1000));
        (void)fixture_batch(f, 1);
        for (unsigned i = 0; i < 5 * block; i++) {
            struct record record = fixture_clear(f, 1, 2, 10 + i);
            record.interchange = 3;
            record.payer_fee = i % 2 == 0 ? 1 : 0;
            fixture_add(f, record);
            fixture_add(f, fixture_refund(f, &record, 0, 1)); /* 1 is the payer: rejected */
        }
        if (block % 2 == 0) {
            fixture_add(f, fixture_pay(f, 1, 2, 1));
        }
        if (f->parts[1].header.count == 0) {
            fixture_add(f, fixture_clear(f, 1, 3, 1));
        }
        fixture_block(f);
        assert_pages_are_complete(f);
    }
    fixture_free(f);
}

/* More entries in a block than a page holds: parts of 4,096. */
static void test_parts(void **state)
{
    (void)state;
    struct ledger_fixture *f = fixture_new();
    fixture_start(f);
    for (unsigned batch = 0; batch < 2; batch++) {
        (void)fixture_batch(f, 1);
        for (unsigned i = 0; i < 5000; i++) {
            struct record record = fixture_clear(f, 1, 2, 1);
            record.interchange = batch == 0 ? 0 : 1;
            fixture_add(f, record);
        }
    }
    fixture_block(f);
    uint32_t position = account_number(2, 0, 0, ACCOUNT_POSITION);
    struct walk walk = walk_account(f, position);
    assert_int_equal(walk.entries, 15000);
    assert_int_equal(walk.pages, 4);
    assert_pages_are_complete(f);
    /* Exactly one full page, then one entry more. */
    for (unsigned extra = 0; extra < 2; extra++) {
        (void)fixture_batch(f, 3);
        for (unsigned i = 0; i < LIMIT_PAGE_ENTRIES + extra; i++) {
            fixture_add(f, fixture_clear(f, 3, 2, 1));
        }
        fixture_block(f);
        assert_pages_are_complete(f);
    }
    assert_int_equal(walk_account(f, account_number(2, 2, 0, ACCOUNT_POSITION)).pages, 3);
    fixture_free(f);
}

/* Entries name the record and the leg, in order of execution. */
static void test_entries(void **state)
{
    (void)state;
    struct ledger_fixture *f = fixture_new();
    fixture_start(f);
    (void)fixture_batch(f, 1);
    fixture_add(f, fixture_clear(f, 1, 2, 500));
    (void)fixture_batch(f, 2);
    fixture_add(f, fixture_clear(f, 1, 3, 0)); /* rejected: no entry */
    struct record record = fixture_clear(f, 1, 2, 100);
    record.interchange = 7;
    record.payer_fee = -2;
    record.payee_fee = 3;
    record.interchange = -record.interchange;
    fixture_add(f, record);
    record.payer_fee = 2;
    record.id = fixture_id(4000);
    fixture_add(f, record);
    fixture_block(f);
    assert_int_equal(fixture_verdict(f, 1, 1), VERDICT_POSTED);
    uint8_t key[PAGE_KEY_BYTES];
    page_key(account_number(2, 0, 0, ACCOUNT_POSITION), 1, 0, key);
    struct page page;
    assert_int_equal(page_parse(ledger_store_get(f->store, TABLE_PAGES, key, sizeof key), &page),
                     STATUS_OK);
    static const struct page_entry EXPECTED[] = {
        {0, LEG_AMOUNT, TOTAL_DEBITS_POSTED, 0, 0, 500},
        {1u << 16 | 1, LEG_AMOUNT, TOTAL_DEBITS_POSTED, 0, 0, 100},
        {1u << 16 | 1, LEG_INTERCHANGE, TOTAL_DEBITS_POSTED, 0, 0, 7},
        {1u << 16 | 1, LEG_PAYER_FEE, TOTAL_CREDITS_POSTED, 0, 0, 2},
        {1u << 16 | 2, LEG_AMOUNT, TOTAL_DEBITS_POSTED, 0, 0, 100},
        {1u << 16 | 2, LEG_INTERCHANGE, TOTAL_DEBITS_POSTED, 0, 0, 7},
        {1u << 16 | 2, LEG_PAYER_FEE, TOTAL_DEBITS_POSTED, 0, 0, 2},
    };
    assert_int_equal(page.head.count, sizeof EXPECTED / sizeof EXPECTED[0]);
    assert_memory_equal(page.entries, EXPECTED, sizeof EXPECTED);
    assert_int_equal(page.head.limit, 100000000);
    assert_int_equal(page.head.previous_height, 0);
    fixture_free(f);
}

static void test_parse_refuses(void **state)
{
    (void)state;
    uint8_t bytes[PAGE_HEAD_BYTES + 2 * PAGE_ENTRY_BYTES];
    struct page_head head = {.account = 9, .count = 2, .height = 3};
    memset(bytes, 0, sizeof bytes);
    page_head_encode(&head, bytes);
    struct page page;
    assert_int_equal(page_parse((struct span){bytes, sizeof bytes}, &page), STATUS_OK);
    assert_int_equal(page.head.account, 9);
    assert_int_equal(page_parse((struct span){bytes, sizeof bytes - 1}, &page), STATUS_TRUNCATED);
    assert_int_equal(page_parse((struct span){bytes, 10}, &page), STATUS_TRUNCATED);
    assert_int_equal(page_parse((struct span){bytes, 0}, &page), STATUS_TRUNCATED);
    bytes[4] = 1;
    assert_int_equal(page_parse((struct span){bytes, sizeof bytes}, &page), STATUS_TRAILING);
    bytes[4] = 2;
    static const unsigned BAD[] = {36, PAGE_HEAD_BYTES + 5, PAGE_HEAD_BYTES + 6,
                                   PAGE_HEAD_BYTES + PAGE_ENTRY_BYTES + 7};
    for (unsigned i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        bytes[BAD[i]] = 4;
        assert_int_equal(page_parse((struct span){bytes, sizeof bytes}, &page), STATUS_MALFORMED);
        bytes[BAD[i]] = 0;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chain_of_pages),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_entries),
        cmocka_unit_test(test_parse_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
