//! The lines in which two texts differ.

/// Lines of context around a change.
const AROUND: usize = 1;

/// `- ` before lines of the old text, `+ ` before those of the new one, and a line around each.
pub(crate) fn diff(old: &str, new: &str) -> Vec<String> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let merged = merge(&old, &new);
    let is_near = |at: usize| {
        let around = at.saturating_sub(AROUND)..(at + AROUND + 1).min(merged.len());
        merged[around].iter().any(|(mark, _)| *mark != ' ')
    };
    let line = |at: usize| format!("{} {}", merged[at].0, crate::plain(merged[at].1));
    (0..merged.len()).filter(|at| is_near(*at)).map(line).collect()
}

/// Both texts in one, by their longest common subsequence of lines.
fn merge<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<(char, &'a str)> {
    // common[i][j]: how many lines old[i..] and new[j..] have in common, in order.
    let mut common = vec![vec![0u32; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i][j] = match old[i] == new[j] {
                true => common[i + 1][j + 1] + 1,
                false => common[i + 1][j].max(common[i][j + 1]),
            };
        }
    }
    let (mut i, mut j, mut merged) = (0, 0, Vec::new());
    while i < old.len() || j < new.len() {
        let takes_old = j == new.len() || (i < old.len() && common[i + 1][j] >= common[i][j + 1]);
        if i < old.len() && j < new.len() && old[i] == new[j] {
            merged.push((' ', old[i]));
            (i, j) = (i + 1, j + 1);
        } else if takes_old {
            merged.push(('-', old[i]));
            i += 1;
        } else {
            merged.push(('+', new[j]));
            j += 1;
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_changed_are_shown_with_a_line_around() {
        let old = "name: a\nmode: live\nrule:\n  always: true\nend: 1\nlast: 2\n";
        let new = "name: a\nmode: live\nrule:\n  always: false\nmore: 3\nend: 1\nlast: 2\n";
        let expected = ["  rule:", "-   always: true", "+   always: false", "+ more: 3", "  end: 1"];
        assert_eq!(diff(old, new), expected);
        assert_eq!(diff(old, old), Vec::<String>::new());
    }
}
