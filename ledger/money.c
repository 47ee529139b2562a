/* money: minor units as decimal text (see money.h). */
#include "ledger/money.h"

#include <string.h>

const char *money_format(struct difference minor, unsigned exponent,
                         char ret_text[MONEY_TEXT_BYTES])
{
    CHECK(exponent <= 18);
    char reversed[MONEY_TEXT_BYTES];
    bool negative = minor.minor < 0;
    /* Negating in unsigned arithmetic is defined for the smallest value too. */
    unsigned __int128 left = (unsigned __int128)minor.minor;
    if (negative) {
        left = -left;
    }
    size_t length = 0;
    for (unsigned digit = 0; left > 0 || digit <= exponent; digit++) {
        if (digit == exponent && exponent > 0) {
            reversed[length++] = '.';
        }
        reversed[length++] = (char)('0' + (int)(left % 10));
        left /= 10;
    }
    if (negative) {
        reversed[length++] = '-';
    }
    for (size_t i = 0; i < length; i++) {
        ret_text[i] = reversed[length - 1 - i];
    }
    ret_text[length] = 0;
    return ret_text;
}
