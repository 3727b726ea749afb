//! Both models of customer value on the data they were published with (§4.4).

use scoring::clv::{bgnbd, gamma_gamma};

const DATA: &str = include_str!("fixtures/cdnow.csv");

type Customer = (u32, bgnbd::Purchases, gamma_gamma::Amounts);

fn customers() -> Vec<Customer> {
    let lines = DATA.lines().filter(|line| !line.starts_with('#'));
    let read = |line: &str| {
        let numbers: Vec<f64> = line.split(',').map(|number| number.parse().expect("a number")).collect();
        let [count, x, last, age, mean] = numbers[..] else { panic!("five numbers: {line}") };
        let repeats = x as u32;
        (count as u32, bgnbd::Purchases { repeats, last, age }, gamma_gamma::Amounts { repeats, mean })
    };
    lines.map(read).collect()
}

fn close(found: f64, golden: f64, tolerance: f64) {
    assert!((found - golden).abs() < tolerance, "{found} is not {golden}");
}

#[test]
fn bgnbd_on_cdnow_has_the_golden_parameters_and_likelihood_of_section_4_4() {
    let customers: Vec<_> = customers().into_iter().map(|(count, purchases, _)| (purchases, count)).collect();
    assert_eq!(customers.iter().map(|(_, count)| count).sum::<u32>(), 2_357);
    let (fit, likelihood) = bgnbd::Parameters::fit(&customers).unwrap();
    close(fit.r, 0.2426, 5e-4);
    close(fit.alpha, 4.4135, 5e-3);
    close(fit.a, 0.7929, 2e-3);
    close(fit.b, 2.4258, 1e-2);
    close(likelihood, -9_582.43, 0.01);
}

#[test]
fn gamma_gamma_on_cdnow_has_the_golden_parameters_of_section_4_4() {
    let customers: Vec<_> = customers().into_iter().map(|(count, _, amounts)| (amounts, count)).collect();
    let repeat: u32 =
        customers.iter().filter(|(amounts, _)| amounts.repeats > 0).map(|(_, count)| count).sum();
    assert_eq!(repeat, 946);
    let fit = gamma_gamma::Parameters::fit(&customers).unwrap();
    close(fit.p, 6.2488, 1e-2);
    close(fit.q, 3.7446, 5e-3);
    close(fit.v, 15.4478, 5e-2);
}
