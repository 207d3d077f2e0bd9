# Completion of arbiterctl. Written from its own tree of commands: see the test "completion".
_arbiterctl() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command= words= i
  COMPREPLY=()
  case $previous in
    --socket) COMPREPLY=($(compgen -f -- "$current")); return ;;
    --window) COMPREPLY=($(compgen -W '5m 1h 24h 7d retained' -- "$current")); return ;;
    --kind) COMPREPLY=($(compgen -W 'latency_spike accuracy_drop error_rate_increase token_overuse agent_offline compliance_drop data_loss' -- "$current")); return ;;
    --format) COMPREPLY=($(compgen -W 'text json html jsonl trajectories dsjson npy parquet events.jsonl.zst events.jsonl trajectories.jsonl.zst trajectories.jsonl decisions.dsjson.zst decisions.dsjson decisions.npy decisions.parquet events.parquet' -- "$current")); return ;;
    --type) COMPREPLY=($(compgen -W 'agent-registration agent-status-change routing-decision task-start task-execution constitutional-validation thinking-budget-allocation thinking-budget-usage minimality-evaluation model-judgment rl-training-metrics evaluation-outcome' -- "$current")); return ;;
    --to) COMPREPLY=($(compgen -f -- "$current")); return ;;
    --socket|--instance|--every|--window|--agent|--task-type|--kind|--limit|--format|--since|--until|--type|--task|--key-file|--to) return ;;
  esac
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
      --socket|--instance|--every|--window|--agent|--task-type|--kind|--limit|--format|--since|--until|--type|--task|--key-file|--to) ((i++)) ;;
      -*) ;;
      *)
        case $command in
          '') command=${COMP_WORDS[i]} ;;
          config) command="config ${COMP_WORDS[i]}" ;;
        esac ;;
    esac
  done
  case $command in
    '') words='status top stats agents task anomalies report events export verify decrypt keygen flush pause resume config clear --help --version --socket --instance --json' ;;
    'status') words='--help --socket --instance --json' ;;
    'top') words='--help --every --window --socket --instance --json' ;;
    'stats') words='--help --window --fresh --no-fresh --agent --task-type --socket --instance --json' ;;
    'agents') words='--help --window --fresh --no-fresh --socket --instance --json' ;;
    'task') words='--help --socket --instance --json' ;;
    'anomalies') words='--help --open --kind --agent --limit --socket --instance --json' ;;
    'report') words='--help --window --fresh --no-fresh --format --socket --instance --json' ;;
    'events') words='--help --since --until --type --agent --task --limit --socket --instance --json' ;;
    'export') words='--help --since --format --wait --socket --instance --json' ;;
    'verify') words='--help --key-file --socket --instance --json' ;;
    'decrypt') words='--help --key-file --to --socket --instance --json' ;;
    'keygen') words='--help --socket --instance --json' ;;
    'flush') words='--help --socket --instance --json' ;;
    'pause') words='--help --socket --instance --json' ;;
    'resume') words='--help --socket --instance --json' ;;
    'config') words='get set --help --socket --instance --json' ;;
    'config get') words='--help --defaults --diff --socket --instance --json enabled ring_dir state_dir export_dir socket listen windows retention.max_age retention.max_events retention.max_bytes journal.segment_bytes journal.sync anonymization.enabled anonymization.key_file anonymization.preserve_agent_ids anonymization.preserve_task_types anonymization.free_text encryption.key_file encryption.former_key_file export.interval export.after_completions export.formats export.increments export.keep export.max_age export.validation_percent export.split_seed export.validation_age export.file_bytes reward.success reward.quality reward.efficiency reward.evaluation reward.compliance reward.latency reward.tokens reward.evaluation_scale reward.latency_scale reward.tokens_scale limits.max_agents limits.max_open_executions limits.max_producers anomalies.enabled anomalies.detector anomalies.false_alarms_per_month anomalies.hook anomalies.hook_timeout anomalies.alertmanager anomalies.latency_percent anomalies.latency_critical anomalies.accuracy_points anomalies.error_points anomalies.compliance_points log.level log.format' ;;
    'config set') words='--help --socket --instance --json enabled= ring_dir= state_dir= export_dir= socket= listen= windows= retention.max_age= retention.max_events= retention.max_bytes= journal.segment_bytes= journal.sync= anonymization.enabled= anonymization.key_file= anonymization.preserve_agent_ids= anonymization.preserve_task_types= anonymization.free_text= encryption.key_file= encryption.former_key_file= export.interval= export.after_completions= export.formats= export.increments= export.keep= export.max_age= export.validation_percent= export.split_seed= export.validation_age= export.file_bytes= reward.success= reward.quality= reward.efficiency= reward.evaluation= reward.compliance= reward.latency= reward.tokens= reward.evaluation_scale= reward.latency_scale= reward.tokens_scale= limits.max_agents= limits.max_open_executions= limits.max_producers= anomalies.enabled= anomalies.detector= anomalies.false_alarms_per_month= anomalies.hook= anomalies.hook_timeout= anomalies.alertmanager= anomalies.latency_percent= anomalies.latency_critical= anomalies.accuracy_points= anomalies.error_points= anomalies.compliance_points= log.level= log.format=' ;;
    'clear') words='--help --yes --socket --instance --json' ;;
  esac
  [[ $command == 'verify' && $current != -* ]] && { COMPREPLY=($(compgen -d -- "$current")); return; }
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace
}
complete -F _arbiterctl arbiterctl
