/* SPDX-License-Identifier: ISC */
#include "wire/dns.h"

static const struct ipc_field question_rows[] = {
	IPC_TEXT(struct dns_question, name, DNS_NAME_MAX),
	IPC_U64(struct dns_question, type, UINT16_MAX),
	IPC_U64(struct dns_question, timeout_ms, 3600u * 1000),
	IPC_END
};
const struct ipc_msg dns_question_msg = {
	"dns_question", 60, sizeof(struct dns_question), question_rows
};

static const struct ipc_field record_rows[] = {
	IPC_U64(struct dns_record, pref, UINT16_MAX),
	IPC_TEXT(struct dns_record, name, DNS_NAME_MAX),
	IPC_STR(struct dns_record, data, DNS_TXT_MAX),
	IPC_U64(struct dns_record, usage, 255),
	IPC_U64(struct dns_record, selector, 255),
	IPC_U64(struct dns_record, mtype, 255),
	IPC_END
};

static const struct ipc_field answer_rows[] = {
	IPC_U64(struct dns_answer, status, DNS_BAD),
	IPC_BOOL(struct dns_answer, secure),
	IPC_U64(struct dns_answer, ttl, DNS_TTL_MAX),
	IPC_TEXT(struct dns_answer, canonical, DNS_NAME_MAX),
	IPC_LIST(struct dns_answer, records, DNS_RECORD_MAX, struct dns_record, record_rows),
	IPC_BOOL(struct dns_answer, cut),
	IPC_TEXT(struct dns_answer, reason, 200),
	IPC_END
};
const struct ipc_msg dns_answer_msg = { "dns_answer", 61, sizeof(struct dns_answer), answer_rows };

const char *
dns_type_name(uint64_t type)
{
	switch (type) {
	case DNS_A:	return "A";
	case DNS_PTR:	return "PTR";
	case DNS_MX:	return "MX";
	case DNS_TXT:	return "TXT";
	case DNS_AAAA:	return "AAAA";
	case DNS_TLSA:	return "TLSA";
	default:	return NULL;
	}
}

/* Walk the labels of `name`; `host` asks for the stricter rule. */
static bool
labels_ok(struct str name, bool host)
{
	struct str label, rest = name;
	bool digits = false;

	if (name.n == 0 || name.n > DNS_NAME_MAX || name.p[name.n - 1] == '.')
		return false;
	while (str_cut(&rest, '.', &label)) {
		if (label.n == 0 || label.n > DNS_LABEL_MAX)
			return false;
		if (host && (label.p[0] == '-' || label.p[label.n - 1] == '-'))
			return false;
		digits = true;
		for (size_t i = 0; i < label.n; i++) {
			char c = label.p[i];

			if (!ch_alnum(c) && c != '-' && (host || c != '_'))
				return false;
			digits = digits && ch_digit(c);
		}
	}
	return !host || !digits;
}

bool
dns_name_ok(struct str name)
{
	return labels_ok(name, false);
}

bool
dns_host_ok(struct str name)
{
	return labels_ok(name, true);
}
