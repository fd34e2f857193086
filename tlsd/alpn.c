/* SPDX-License-Identifier: ISC */
#include "tlsd/alpn.h"

/* ProtocolNameList = *( one byte of length, not 0; that many bytes ) */
bool
alpn_find(struct str offered, struct str want, struct str *at)
{
	while (offered.n > 0) {
		size_t n = (unsigned char)offered.p[0];

		if (n == 0 || n > offered.n - 1)
			return false;
		*at = str_sub(offered, 1, n);
		if (str_eq(*at, want))
			return true;
		offered = str_sub(offered, 1 + n, offered.n);
	}
	return false;
}
