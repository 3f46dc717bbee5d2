#include "help_format.h"

#include <sstream>

namespace mace_run {

std::string Wrapped(const std::string& text, size_t indent, size_t columns) {
  std::istringstream words(text);
  std::string result, word;
  size_t width = indent;
  while (words >> word) {
    if (width > indent && width + 1 + word.size() > columns) {
      result += "\n" + std::string(indent, ' ');
      width = indent;
    } else if (width > indent) {
      result += ' ';
      ++width;
    }
    result += word;
    width += word.size();
  }
  return result;
}

std::string HelpFormat::make_option(const CLI::Option* option, bool is_positional) const {
  constexpr size_t kIndent = 28;
  std::string head = "  " + make_option_name(option, is_positional);
  if (!option->get_option_text().empty()) head += " " + option->get_option_text();
  if (head.size() + 2 > kIndent) {
    head += "\n" + std::string(kIndent, ' ');
  } else {
    head.resize(kIndent, ' ');
  }
  return head + Wrapped(option->get_description(), kIndent, kHelpColumns) + "\n";
}

}  // namespace mace_run
