//! How near searches come to the truth, on services of known behaviour, in virtual time; beside
//! them plain doubling and bisection. `cargo bench --bench search [-- SEARCHES [MODEL]]`; 1,000
//! searches of each model take a few minutes.

#[path = "../../tests/search_models/bisection.rs"]
mod bisection;
// What the tests ask for and this table does not.
#[allow(dead_code)]
#[path = "../../tests/search_models/models.rs"]
mod models;
#[allow(dead_code)]
#[path = "../../tests/search_models/score.rs"]
mod score;
#[path = "../../tests/search_models/service.rs"]
mod service;
#[path = "../../tests/search_models/world.rs"]
mod world;

use score::Score;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let searches = words.first().and_then(|word| word.parse().ok()).unwrap_or(1000);
    let wanted = words.get(1).map_or("", String::as_str);
    println!(
        "{:<22} {:<7} {:>7} {:>7} {:>8} {:>6} {:>6} {:>7} {:>6} {:>6} {:>6} {:>5}",
        "model",
        "method",
        "bias%",
        "sd%",
        "covered%",
        "above%",
        "below%",
        "+-%",
        "s",
        "max s",
        "trials",
        "lost"
    );
    for model in models::ALL.into_iter().filter(|model| model.name().contains(wanted)) {
        print(model.name(), "ours", &score::score(searches, |seed| score::ours(model, seed).1));
        if model != models::Model::Generator {
            print("", "plain", &score::score(searches, |seed| score::plain(model, seed)));
        }
    }
}

fn print(model: &str, method: &str, score: &Score) {
    println!(
        "{:<22} {:<7} {:>7.2} {:>7.2} {:>8.1} {:>6.1} {:>6.1} {:>7.2} {:>6.0} {:>6.0} {:>6.0} {:>5}",
        model,
        method,
        score.bias * 100.0,
        score.scatter * 100.0,
        score.covered * 100.0,
        score.above * 100.0,
        score.below * 100.0,
        score.half_width * 100.0,
        score.seconds,
        score.seconds_max,
        score.trials,
        score.lost
    );
}
