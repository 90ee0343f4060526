// SPDX-License-Identifier: BSL-1.0
#pragma once
// The definitions of the HTTP client, for the one file of a program that compiles them; see docs/install.md.

#include <coffer/config.hpp>

#if !defined(COFFER_SEPARATE_COMPILATION)
#error \
    "coffer/src/ is for programs that define COFFER_SEPARATE_COMPILATION, in every file; without it, the other headers are all that there is"
#endif

#include <coffer/http/curl_client.ipp>
#include <coffer/http/curl_engine.ipp>
#include <coffer/http/curl_handle.ipp>
#include <coffer/http/curl_header_lines.ipp>
#include <coffer/http/curl_multi.ipp>
#include <coffer/http/curl_options.ipp>
#include <coffer/http/curl_service.ipp>
#include <coffer/http/curl_sigpipe.ipp>
#include <coffer/http/curl_sockets.ipp>
#include <coffer/http/curl_transfer.ipp>
#include <coffer/http/curl_url.ipp>
#include <coffer/http/curl_verdict.ipp>
#include <coffer/http/headers.ipp>
#include <coffer/http/request.ipp>
#include <coffer/http/request_check.ipp>
#include <coffer/http/response.ipp>
#include <coffer/http/response_head.ipp>
