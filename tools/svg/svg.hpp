// SPDX-License-Identifier: BSL-1.0
#pragma once
// Pictures as SVG text: whole numbers only, so that the same data are the same bytes.

#include <cstdint>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace svg {

/// For a text or an attribute.
[[nodiscard]] std::string escaped(std::string_view text);

/// 1, 2 or 5 times a power of ten: the least that `value` does not exceed. At least 1.
[[nodiscard]] std::int64_t round_scale(std::int64_t value);

enum class anchor { start, middle, end };

struct point {
    std::int64_t x = 0;
    std::int64_t y = 0;
};

/// A picture that grows from back to front.
class document {
public:
    /// `style`: rules of CSS for the classes that are used.
    document(std::int64_t width, std::int64_t height, std::string_view style);

    void headline(point at, std::string_view what);
    void text(point at, anchor where, std::string_view what);
    void line(std::string_view of_class, point from, point to);
    /// A part of a bar: not drawn if it is empty.
    void bar(std::string_view of_class, point corner, std::int64_t width, std::int64_t height);
    /// Strokes through all the points.
    void curve(std::string_view of_class, std::vector<point> const& through);

    /// What is drawn until `end_group` says this when it is pointed at.
    void begin_group(std::string_view title);
    void end_group();

    [[nodiscard]] std::string finish() &&;

private:
    [[nodiscard]] char const* indent() const noexcept { return grouped_ ? "    " : "  "; }

    std::ostringstream out_;
    bool grouped_ = false;
};

}  // namespace svg
