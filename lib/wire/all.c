/* SPDX-License-Identifier: ISC */
#include "wire/all.h"

#include "wire/anvil.h"
#include "wire/arrive.h"
#include "wire/auth.h"
#include "wire/bounce.h"
#include "wire/control.h"
#include "wire/deliver.h"
#include "wire/dns.h"
#include "wire/drop.h"
#include "wire/envelope.h"
#include "wire/key.h"
#include "wire/queue.h"
#include "wire/route.h"
#include "wire/session.h"
#include "wire/submit.h"
#include "wire/tls.h"

const struct ipc_msg *const wire_all[] = {
	&anvil_count_msg,
	&anvil_counted_msg,
	&anvil_tell_msg,
	&arrive_msg,
	&auth_check_msg,
	&auth_checked_msg,
	&auth_logged_msg,
	&auth_login_msg,
	&check_msg,
	&checked_msg,
	&complete_msg,
	&completed_msg,
	&ctl_connect_msg,
	&ctl_idle_msg,
	&ctl_log_msg,
	&ctl_ready_msg,
	&ctl_stop_msg,
	&ctl_tool_msg,
	&ctl_tool_reply_msg,
	&ctl_worker_msg,
	&ctl_worker_reply_msg,
	&deliver_msg,
	&dns_answer_msg,
	&dns_question_msg,
	&drop_msg,
	&envelope_msg,
	&inflight_msg,
	&inflight_reply_msg,
	&key_sign_msg,
	&key_signed_msg,
	&notified_msg,
	&notify_msg,
	&queue_answer_msg,
	&queue_ask_msg,
	&resolve_msg,
	&resolved_msg,
	&result_msg,
	&session_accepted_msg,
	&session_msg,
	&settled_msg,
	&submit_abort_msg,
	&submit_data_msg,
	&submit_end_msg,
	&submit_msg,
	&submit_open_msg,
	&submit_opened_msg,
	&submitted_msg,
	&tls_start_msg,
	&tls_started_msg,
	NULL
};
