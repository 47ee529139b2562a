/* account: numbers, names, and the leaf's bytes (see account.h). */
#include "ledger/account.h"

#include "base/merkle.h"

static const char *const CLASS_NAMES[] = {
    [ACCOUNT_SETTLEMENT] = "SETTLEMENT",
    [ACCOUNT_POSITION] = "POSITION",
    [ACCOUNT_COLLATERAL] = "COLLATERAL",
    [ACCOUNT_CLAIM] = "CLAIM",
    [ACCOUNT_CASH] = "CASH",
    [ACCOUNT_PAYOUT] = "PAYOUT",
    [ACCOUNT_NETTING] = "NETTING",
    [ACCOUNT_FUND] = "FUND",
};

uint32_t account_number_hub(uint32_t currency_index, enum account_class class)
{
    CHECK(class >= ACCOUNT_CASH && class <= ACCOUNT_FUND);
    return ACCOUNTS_PER_CURRENCY * currency_index + (uint32_t)(class - ACCOUNT_CASH);
}

uint32_t account_number(uint32_t currency_count, uint32_t participant_index,
                        uint32_t currency_index, enum account_class class)
{
    CHECK(class >= ACCOUNT_SETTLEMENT && class <= ACCOUNT_CLAIM);
    return ACCOUNTS_PER_CURRENCY *
               (currency_count + participant_index * currency_count + currency_index) +
           (uint32_t)(class - ACCOUNT_SETTLEMENT);
}

const char *account_class_name(unsigned class)
{
    return class < sizeof CLASS_NAMES / sizeof CLASS_NAMES[0] ? CLASS_NAMES[class] : NULL;
}

void account_encode(const struct account *account, uint8_t ret_leaf[ACCOUNT_LEAF_BYTES])
{
    struct writer writer = writer_over(ret_leaf, ACCOUNT_LEAF_BYTES);
    writer_u32(&writer, account->number);
    writer_u32(&writer, account->participant);
    writer_u16(&writer, account->currency);
    writer_u16(&writer, account->class);
    writer_u32(&writer, account->flags);
    for (unsigned i = 0; i < ACCOUNT_TOTALS; i++) {
        writer_u128(&writer, account->totals[i].minor);
    }
    writer_u64(&writer, account->limit);
    writer_u64(&writer, account->entries);
    writer_u64(&writer, account->last_page_height);
    writer_copy(&writer, &account->head, HASH_BYTES);
    CHECK(!writer.failed && writer.used == ACCOUNT_LEAF_BYTES);
}

enum status account_decode(struct span leaf, struct account *ret_account)
{
    struct reader reader = reader_over(leaf.data, leaf.length);
    struct account account = {.number = reader_u32(&reader)};
    account.participant = reader_u32(&reader);
    account.currency = reader_u16(&reader);
    account.class = reader_u16(&reader);
    account.flags = reader_u32(&reader);
    for (unsigned i = 0; i < ACCOUNT_TOTALS; i++) {
        account.totals[i].minor = reader_u128(&reader);
    }
    account.limit = reader_u64(&reader);
    account.entries = reader_u64(&reader);
    account.last_page_height = reader_u64(&reader);
    reader_copy(&reader, &account.head, HASH_BYTES);
    enum status status = reader_done(&reader);
    if (status != STATUS_OK) {
        return status;
    }
    if (account_class_name(account.class) == NULL) {
        return STATUS_MALFORMED;
    }
    *ret_account = account;
    return STATUS_OK;
}

struct hash account_leaf_hash(const struct account *account)
{
    uint8_t leaf[ACCOUNT_LEAF_BYTES];
    account_encode(account, leaf);
    return merkle_leaf(leaf, sizeof leaf);
}
