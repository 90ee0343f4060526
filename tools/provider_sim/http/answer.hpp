// SPDX-License-Identifier: BSL-1.0
#pragma once
// What is to be sent back, before any fault of delivery.

#include <string>
#include <string_view>

#include "http/request.hpp"

namespace provider_sim {

struct http_answer {
    unsigned status = 200;
    header_list headers;  // no Content-Length, Transfer-Encoding, Connection, Date: the framing adds those
    std::string body;
    bool raw = false;     // the body is sent as it is, with no HTTP around it

    /// Replaces every header of that name, whatever its case.
    void set(std::string_view name, std::string value);
    void remove(std::string_view name);
};

std::string_view reason_of(unsigned status) noexcept;

http_answer json_answer(unsigned status, std::string body);

}  // namespace provider_sim
