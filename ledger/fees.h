/*
 * fees: the fees of a record (docs/ledger.md, Fees): what the scheme's rules say, where they bind,
 * and that whoever files a PAY or REFUND does not take another's money by way of a fee.
 */
#ifndef HEFU_LEDGER_FEES_H
#define HEFU_LEDGER_FEES_H

#include "ledger/state.h"

/* The fee that the scheme's rules say for an amount on a business date and merchant category. */
int64_t fees_expected(const struct genesis_scheme *scheme, enum fee_which which,
                      const struct record *record);

/* FEE_NOT_MANDATED, FEE_DIFFERS or POSTED, of a record that passed every earlier check. original:
   of a REFUND, else NULL.
   After all its fees
     a PAY     leaves the payee with no less than before;
     a REFUND  leaves the payer with no less than before, and takes no more than the amount from a
               payee that does not file it;
     either    takes from a network that does not file it only, in a REFUND, the part of the
               original's fees that the refunded part of the amount is.
   What a CLEAR takes rests on its scheme's mandate. A participant that is two sides counts once. */
enum verdict fees_check(const struct filing *filing, const struct subject *original);

#endif
