"""Training with stable-baselines3: the market as a `VecEnv`, training, trained agents as policies, tuning."""
