// SPDX-License-Identifier: BSL-1.0
// The table "libcurl: what proves what", row by row.
#include <coffer/http/curl_verdict.hpp>

#include <gtest/gtest.h>

#include <optional>
#include <ostream>
#include <string>

namespace coffer::inline COFFER_ABI::http::curl::curl_verdict_test {
namespace {

using enum fault_kind;
using enum knowledge;

struct row {
    char const* situation;
    facts seen;
    std::optional<fault_kind> kind;
    knowledge execution = no;
    knowledge billing = no;
};
std::ostream& operator<<(std::ostream& out, row const& r) { return out << r.situation; }

facts at(CURLcode code, int prereq_calls, int status = 0, cut why = cut::none, bool refused = false) {
    return facts{code, prereq_calls, status, why, refused};
}

row const table[]{
    {"answered", at(CURLE_OK, 1, 200), {}},
    {"any status is an answer", at(CURLE_OK, 1, 503), {}},
    {"a redirect is an answer", at(CURLE_OK, 1, 302), {}},

    {"name resolution", at(CURLE_COULDNT_RESOLVE_HOST, 0), not_sent},
    {"the proxy's name", at(CURLE_COULDNT_RESOLVE_PROXY, 0), not_sent},
    {"refused", at(CURLE_COULDNT_CONNECT, 0), not_sent},
    {"TLS handshake", at(CURLE_SSL_CONNECT_ERROR, 0), not_sent},
    {"certificate", at(CURLE_PEER_FAILED_VERIFICATION, 0), not_sent},
    {"client certificate", at(CURLE_SSL_CERTPROBLEM, 0), not_sent},
    {"CA file", at(CURLE_SSL_CACERT_BADFILE, 0), not_sent},
    {"public key", at(CURLE_SSL_PINNEDPUBKEYNOTMATCH, 0), not_sent},
    {"OCSP", at(CURLE_SSL_INVALIDCERTSTATUS, 0), not_sent},
    {"QUIC", at(CURLE_QUIC_CONNECT_ERROR, 0), not_sent},
    {"proxy handshake", at(CURLE_PROXY, 0), not_sent},
    {"interface", at(CURLE_INTERFACE_FAILED, 0), not_sent},
    {"timeout while connecting", at(CURLE_OPERATION_TIMEDOUT, 0), not_sent},
    {"a proxy's CONNECT broke off", at(CURLE_RECV_ERROR, 0), not_sent},
    {"no memory before the send", at(CURLE_OUT_OF_MEMORY, 0), not_sent},
    {"bad URL", at(CURLE_URL_MALFORMAT, 0), invalid_request},
    {"no such protocol", at(CURLE_UNSUPPORTED_PROTOCOL, 0), invalid_request},
    {"http:// led elsewhere", at(CURLE_ABORTED_BY_CALLBACK, 0, 0, cut::not_loopback), invalid_request},

    {"timeout after the send", at(CURLE_OPERATION_TIMEDOUT, 1), timed_out, maybe, maybe},
    {"FIN after the request", at(CURLE_GOT_NOTHING, 1), ambiguous, maybe, maybe},
    {"RST after the request", at(CURLE_RECV_ERROR, 1), ambiguous, maybe, maybe},
    {"could not send all of it", at(CURLE_SEND_ERROR, 1), ambiguous, maybe, maybe},
    {"the guard stopped the hidden resend", at(CURLE_ABORTED_BY_CALLBACK, 2), ambiguous, maybe, maybe},
    {"no rewind", at(CURLE_SEND_FAIL_REWIND, 1), ambiguous, maybe, maybe},
    {"h2 RST_STREAM(INTERNAL_ERROR)", at(CURLE_HTTP2_STREAM, 1), ambiguous, maybe, maybe},
    {"h2 GOAWAY below ours", at(CURLE_HTTP2, 1), ambiguous, maybe, maybe},
    {"h2 GOAWAY on a reused connection", at(CURLE_PARTIAL_FILE, 1), ambiguous, maybe, maybe},
    {"h3", at(CURLE_HTTP3, 1), ambiguous, maybe, maybe},
    {"HTTP/0.9", at(CURLE_UNSUPPORTED_PROTOCOL, 1), ambiguous, maybe, maybe},
    {"no status, and yet no error", at(CURLE_OK, 1), ambiguous, maybe, maybe},
    {"h2 REFUSED_STREAM, seen in the debug text", at(CURLE_ABORTED_BY_CALLBACK, 2, 0, cut::none, true), transient},

    {"FIN within the body", at(CURLE_PARTIAL_FILE, 1, 200), broken_stream, yes, maybe},
    {"RST within the body", at(CURLE_RECV_ERROR, 1, 200), broken_stream, yes, maybe},
    {"FIN within an error's body", at(CURLE_PARTIAL_FILE, 1, 500), broken_stream, maybe, maybe},
    {"h2 stream reset within the body", at(CURLE_HTTP2_STREAM, 1, 200), broken_stream, yes, maybe},
    {"no memory for the answer", at(CURLE_WRITE_ERROR, 1, 200, cut::no_memory), broken_stream, yes, maybe},
    {"chunks that are none", at(CURLE_RECV_ERROR, 1, 200), broken_stream, yes, maybe},

    {"head over the limit", at(CURLE_WRITE_ERROR, 1, 200, cut::header_limit), defective_answer, yes, yes},
    {"body over the limit", at(CURLE_WRITE_ERROR, 1, 200, cut::body_limit), defective_answer, yes, yes},
    {"an error's body over the limit", at(CURLE_WRITE_ERROR, 1, 502, cut::body_limit), defective_answer, maybe, maybe},
    {"head over the limit before a status", at(CURLE_WRITE_ERROR, 1, 0, cut::header_limit), defective_answer, maybe,
     maybe},
};

class http_verdict : public testing::TestWithParam<row> {};

TEST_P(http_verdict, is_that_of_the_table) {
    auto const& r = GetParam();
    auto const f = verdict(r.seen);
    ASSERT_EQ(f.has_value(), r.kind.has_value());
    if (!f) return;
    EXPECT_EQ(f->kind(), *r.kind);
    EXPECT_EQ(f->execution(), r.execution);
    EXPECT_EQ(f->billing(), r.billing);
    EXPECT_EQ(f->status(), r.seen.status);
}
INSTANTIATE_TEST_SUITE_P(table, http_verdict, testing::ValuesIn(table));

TEST(http_verdict_rules, whatever_the_code_before_the_first_send_nothing_was_executed_or_billed) {
    for (int code = 1; code < 120; ++code) {
        auto const f = verdict(at(static_cast<CURLcode>(code), 0));
        ASSERT_TRUE(f) << code;
        EXPECT_EQ(f->execution(), no) << code;
        EXPECT_EQ(f->billing(), no) << code;
    }
}

TEST(http_verdict_rules, whatever_the_code_after_a_send_without_a_status_nothing_is_certain) {
    for (int code = 0; code < 120; ++code)
        for (int calls : {1, 2}) {
            auto const f = verdict(at(static_cast<CURLcode>(code), calls));
            ASSERT_TRUE(f) << code;
            EXPECT_EQ(f->execution(), maybe) << code;
            EXPECT_EQ(f->billing(), maybe) << code;
        }
}

TEST(http_verdict_rules, leaving_says_what_is_known) {
    auto const unsent = left(cancelled, false, 0, "");
    EXPECT_EQ(unsent.kind(), cancelled);
    EXPECT_EQ(unsent.execution(), no);
    EXPECT_EQ(unsent.billing(), no);
    auto const sent = left(cancelled, true, 0, "");
    EXPECT_EQ(sent.kind(), cancelled);
    EXPECT_EQ(sent.execution(), maybe);
    EXPECT_EQ(sent.billing(), maybe);
    auto const answering = left(timed_out, true, 200, "");
    EXPECT_EQ(answering.kind(), timed_out);
    EXPECT_EQ(answering.execution(), yes);
    EXPECT_EQ(answering.billing(), maybe);
    EXPECT_EQ(answering.status(), 200);
    EXPECT_EQ(left(timed_out, false, 0, "").kind(), not_sent);
    EXPECT_EQ(left(aborted, false, 0, "").billing(), no);
}

}  // namespace
}  // namespace coffer::inline COFFER_ABI::http::curl::curl_verdict_test
