/*
 * fees: nobody takes another's money by way of a fee (docs/ledger.md, Kinds). Fees are signed and
 * may exceed the amount, so without this a PAY of one cent could empty its payee's account.
 */
#ifndef HEFU_LEDGER_FEES_H
#define HEFU_LEDGER_FEES_H

#include "ledger/reference.h"

/* FEE_NOT_MANDATED or POSTED, of a record that passed every other check. After all its fees
     a PAY     leaves the payee with no less than before;
     a REFUND  leaves the payer with no less than before, and takes no more than the amount from a
               payee that does not file it;
     either    takes from a network that does not file it only, in a REFUND, the part of the
               original's fees that the refunded part of the amount is.
   What a CLEAR takes rests on its scheme's mandate. A participant that is two sides counts once. */
enum verdict fees_check(const struct filing *filing, const struct reference *reference);

#endif
