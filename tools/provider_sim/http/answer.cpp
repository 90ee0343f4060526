// SPDX-License-Identifier: BSL-1.0
#include "http/answer.hpp"

#include <strings.h>

#include <algorithm>

namespace provider_sim {

void http_answer::remove(std::string_view name) {
    std::erase_if(headers, [name](auto const& header) {
        return header.first.size() == name.size() && strncasecmp(header.first.data(), name.data(), name.size()) == 0;
    });
}

void http_answer::set(std::string_view name, std::string value) {
    remove(name);
    headers.emplace_back(name, std::move(value));
}

http_answer json_answer(unsigned status, std::string body) {
    http_answer answer;
    answer.status = status;
    answer.headers.emplace_back("Content-Type", "application/json");
    answer.body = std::move(body);
    return answer;
}

std::string_view reason_of(unsigned status) noexcept {
    switch (status) {
        case 100: return "Continue";
        case 102: return "Processing";
        case 103: return "Early Hints";
        case 200: return "OK";
        case 400: return "Bad Request";
        case 401: return "Unauthorized";
        case 402: return "Payment Required";
        case 403: return "Forbidden";
        case 404: return "Not Found";
        case 405: return "Method Not Allowed";
        case 408: return "Request Timeout";
        case 409: return "Conflict";
        case 413: return "Payload Too Large";
        case 417: return "Expectation Failed";
        case 422: return "Unprocessable Entity";
        case 425: return "Too Early";
        case 429: return "Too Many Requests";
        case 431: return "Request Header Fields Too Large";
        case 500: return "Internal Server Error";
        case 502: return "Bad Gateway";
        case 503: return "Service Unavailable";
        case 504: return "Gateway Timeout";
        default: return status < 400 ? "OK" : "Error";
    }
}

}  // namespace provider_sim
