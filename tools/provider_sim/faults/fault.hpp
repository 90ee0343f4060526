// SPDX-License-Identifier: BSL-1.0
#pragma once
// What is done to one request. A default-constructed fault does nothing: executed, billed in full, delivered in full.
// Four switches are independent: how much is read, whether it is executed, what is billed, how much is delivered.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/fields.hpp"
#include "faults/header_value.hpp"
#include "http/framing.hpp"

namespace provider_sim {

enum class read_extent { nothing, headers, part, whole };
enum class bill_mode { full, input_only, generated_so_far, none };
enum class deliver_extent { none, headers, half, bytes, full };
enum class ending { keep, fin, rst, hang };
enum class wrong_answer { no, garbage, bad_json, empty, html };
enum class usage_shape { right, missing, null, zero };
enum class kill_moment { request_read, bill_written, half_body, last_byte };
enum class kill_signal { kill, stop };

inline constexpr word_table<bill_mode, 4> bill_words{{{"full", bill_mode::full},
                                                      {"input_only", bill_mode::input_only},
                                                      {"generated_so_far", bill_mode::generated_so_far},
                                                      {"none", bill_mode::none}}};
inline constexpr word_table<kill_moment, 4> moment_words{{{"request_read", kill_moment::request_read},
                                                          {"bill_written", kill_moment::bill_written},
                                                          {"half_body", kill_moment::half_body},
                                                          {"last_byte", kill_moment::last_byte}}};
inline constexpr word_table<kill_signal, 2> signal_words{{{"KILL", kill_signal::kill}, {"STOP", kill_signal::stop}}};

using milliseconds = std::chrono::milliseconds;

struct delays {
    milliseconds reading{0};    // head in, body not yet read
    milliseconds executing{0};  // request read, nothing executed or billed
    milliseconds headers{0};    // executed and billed, no byte sent
    milliseconds body{0};       // head sent
};

struct drip {
    std::size_t bytes = 0;  // of the body, at a time; 0: all at once
    milliseconds interval{0};
};

struct kill_order {
    kill_moment moment = kill_moment::request_read;
    kill_signal signal = kill_signal::kill;
    std::optional<milliseconds> cont_after;
};

/// How a right answer is to look; each endpoint renders it in its own shape.
struct answer_wishes {
    std::optional<std::string> content;
    std::optional<std::string> finish_reason;
    std::optional<std::string> refusal;
    std::optional<std::string> model;
    std::optional<std::int64_t> output_tokens;  // the natural length
    std::int64_t cached_tokens = 0;
    std::int64_t reasoning_tokens = 0;
    usage_shape usage = usage_shape::right;
    std::optional<json> choice_error;           // choices[0].error, finish_reason "error"
};

struct fault {
    read_extent read = read_extent::whole;
    std::size_t read_bytes = 0;
    bool execute = true;
    bill_mode bill = bill_mode::full;
    std::optional<std::int64_t> generated_tokens;
    deliver_extent deliver = deliver_extent::full;
    std::size_t deliver_bytes = 0;
    ending end = ending::keep;
    provider_sim::framing framing = provider_sim::framing::content_length;

    std::optional<unsigned> status;
    std::optional<json> error;
    std::optional<std::string> body;
    wrong_answer wrong = wrong_answer::no;
    answer_wishes answer;
    std::vector<header_change> headers;
    std::size_t pad_headers = 0;
    std::size_t pad_body = 0;
    std::vector<unsigned> interim;

    delays delay;
    provider_sim::drip drip;
    std::optional<kill_order> kill;

    /// The status this fault puts in place of the endpoint's, if any.
    [[nodiscard]] std::optional<unsigned> own_status() const;
};

}  // namespace provider_sim
